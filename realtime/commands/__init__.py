"""Commands beside the jobs of `realtime.cli`, each in a module of its own."""
