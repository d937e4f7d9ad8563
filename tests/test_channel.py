"""The bounded queue: order, overflow, end."""

from __future__ import annotations

import threading

import pytest

from realtime.channel import Channel, ChannelClosed


def test_items_come_out_in_the_order_they_went_in() -> None:
    channel: Channel[int] = Channel(3, "block")
    for item in range(3):
        channel.put(item)
    channel.close()
    assert list(channel) == [0, 1, 2]


def test_a_full_blocking_channel_makes_the_producer_wait_and_loses_nothing() -> None:
    channel: Channel[int] = Channel(2, "block")
    most = 0

    def produce() -> None:
        for item in range(200):
            channel.put(item)
        channel.close()

    producer = threading.Thread(target=produce)
    producer.start()
    received = []
    for item in channel:
        most = max(most, len(channel))
        received.append(item)
    producer.join()
    assert received == list(range(200))
    assert most <= 2
    assert channel.dropped == 0


def test_a_full_dropping_channel_gives_up_the_oldest_and_counts() -> None:
    channel: Channel[int] = Channel(2, "drop-oldest")
    for item in range(5):
        channel.put(item)
    channel.close()
    assert list(channel) == [3, 4]
    assert channel.dropped == 3


def test_what_waited_too_long_is_given_up_for_a_newer_one() -> None:
    now = 0.0
    channel: Channel[int] = Channel(4, "drop-oldest", patience=1.0, clock=lambda: now)
    for item in range(3):
        channel.put(item)
    now = 1.0
    assert channel.get() == 0
    now = 1.5
    channel.put(3)
    assert channel.get() == 3
    assert channel.dropped == 2
    channel.put(4)
    now = 9.0
    assert channel.get() == 4, "old as it is, there is none newer"


def test_a_burst_is_worked_off_without_loss() -> None:
    now = 0.0
    channel: Channel[int] = Channel(4, "drop-oldest", patience=1.0, burst=2.0, clock=lambda: now)
    for item in range(4):
        channel.put(item)
    now = 3.0
    taken = [channel.get()]
    now = 4.9
    taken.append(channel.get())
    assert taken == [0, 1], "the consumer was held up, and catches up"
    now = 5.0
    assert channel.get() == 3, "it does not catch up: what waits too long is given up again"
    assert channel.dropped == 1
    channel.put(4)
    channel.put(5)
    now = 15.1
    assert channel.get() == 4, "nothing was late for a while: this is a burst again"
    assert channel.dropped == 1


def test_there_is_a_limit_to_what_is_worked_off() -> None:
    now = 0.0
    channel: Channel[int] = Channel(
        4, "drop-oldest", patience=1.0, burst=9.0, limit=2.0, clock=lambda: now
    )
    channel.put(0)
    now = 1.0
    channel.put(1)
    channel.put(2)
    now = 2.5
    assert channel.get() == 1
    assert channel.dropped == 1


def test_what_a_consumer_cannot_keep_up_with_never_grows_old() -> None:
    """Items come every second and take 1.5: a burst is forgiven once, not time and again."""
    now = 0.0
    channel: Channel[float] = Channel(3, "drop-oldest", patience=1.0, burst=6.0, clock=lambda: now)
    due, waits = 0.0, []
    while now < 100:
        while due <= now:
            channel.put(due)
            due += 1.0
        waits.append(now - channel.get())
        now = max(now + 1.5, due)
    assert max(waits[:10]) > 1.5
    assert max(waits[10:]) <= 1.5


def test_what_is_no_loss_does_not_count() -> None:
    channel: Channel[int] = Channel(1, "drop-oldest", counts=lambda item: item % 2 == 0)
    for item in range(5):
        channel.put(item)
    assert channel.dropped == 2


def test_what_is_inside_a_closed_channel_can_still_be_taken() -> None:
    channel: Channel[str] = Channel(2, "block")
    channel.put("last")
    channel.close()
    channel.close()
    assert channel.get() == "last"
    with pytest.raises(ChannelClosed):
        channel.get()
    with pytest.raises(ChannelClosed):
        channel.put("late")


def test_cancelling_throws_away_what_is_inside() -> None:
    channel: Channel[str] = Channel(2, "block")
    channel.put("gone")
    channel.cancel()
    assert list(channel) == []


@pytest.mark.parametrize("end", ["close", "cancel"])
def test_ending_wakes_a_waiting_consumer(end: str) -> None:
    channel: Channel[int] = Channel(1, "block")
    received: list[list[int]] = []
    consumer = threading.Thread(target=lambda: received.append(list(channel)))
    consumer.start()
    getattr(channel, end)()
    consumer.join(5)
    assert received == [[]]


@pytest.mark.parametrize("end", ["close", "cancel"])
def test_ending_wakes_a_waiting_producer(end: str) -> None:
    channel: Channel[int] = Channel(1, "block")
    channel.put(0)
    refused = threading.Event()

    def produce() -> None:
        with pytest.raises(ChannelClosed):
            channel.put(1)
        refused.set()

    producer = threading.Thread(target=produce)
    producer.start()
    getattr(channel, end)()
    producer.join(5)
    assert refused.is_set()


def test_a_channel_must_hold_something() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Channel(0, "block")


def test_waiting_for_an_item_can_be_bounded() -> None:
    channel: Channel[int] = Channel(2, "block")
    with pytest.raises(TimeoutError):
        channel.get(0)
    channel.put(1)
    assert channel.get(0) == 1
    channel.close()
    with pytest.raises(ChannelClosed):
        channel.get(0)
