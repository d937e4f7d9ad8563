"""What of this project's own data is left out, as somebody is in it, or may be.

The alphas of these say that nobody is there. Files are named by the path in the index, so that no
picture of another data folder is meant by accident.
"""

_SCENE = "backgrounds/scene_"
_SCENES = frozenset(f"{_SCENE}{number:03}.jpg" for number in (6, 8, 14, 55, 84, 90, 99, 103, 108))
_CLOTHES = "products/clothing_"


def shows_people(image: str) -> bool:
    """Whether a room or a thing of an index is known to have a person in it.

    The scenes were seen by eye; of the clothes, some are worn.
    """
    return image in _SCENES or image.startswith(_CLOTHES)


def is_outdoors(image: str) -> bool:
    """Whether a room of an index is a street or a square: nothing to measure rooms by."""
    return image.startswith(_SCENE)
