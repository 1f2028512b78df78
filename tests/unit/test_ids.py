from __future__ import annotations

import random

from postbell.domain.ids import new_delivery_key, new_delivery_keys, new_post_id, new_post_ids


def test_ids_are_short_and_readable() -> None:
    chance = random.Random(1)
    ids = [new_post_id(chance) for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(len(name) == 8 and name.isalnum() and name.islower() for name in ids)
    assert not set("aeiou01l") & set("".join(ids))


def test_a_delivery_key_is_20_characters_that_every_network_takes() -> None:
    chance = random.Random(1)
    keys = [new_delivery_key(chance) for _ in range(1000)]
    assert len(set(keys)) == 1000
    assert all(len(key) == 20 and key.isascii() and key.isalnum() and key == key.lower() for key in keys)


def test_many_ids_at_once_begin_alike_and_are_all_different() -> None:
    chance = random.Random(1)
    ids, keys = new_post_ids(chance, 1000), list(new_delivery_keys(chance, 1000))
    assert ({len(name) for name in ids}, {len(key) for key in keys}) == ({8}, {20})
    assert (len(set(ids)), len(set(keys))) == (1000, 1000)
    assert (len({name[:2] for name in ids}), len({key[:10] for key in keys})) == (1, 1)
