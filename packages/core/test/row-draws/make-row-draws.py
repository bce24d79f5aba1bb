#!/usr/bin/python3
"""Makes row-draws.json: Threefry-2x32-20 and draws of rows by it, written anew from the paper with Python's integers.

    python3 packages/core/test/row-draws/make-row-draws.py > packages/core/test/row-draws/row-draws.json

It needs nothing but Python, and refuses to write anything unless it gives the known answers of Random123.
"""
import json

MASK = 2**32 - 1
ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24]
SALTS = {"test": 1, "choice": 2, "folds": 3, "confirmation": 4, "lossSamples": 5, "termSamples": 6}


def threefry(key, block):
    schedule = [key[0], key[1], 0x1BD11BDA ^ key[0] ^ key[1]]
    state = [(block[0] + schedule[0]) & MASK, (block[1] + schedule[1]) & MASK]
    for n in range(20):
        state[0] = (state[0] + state[1]) & MASK
        turn = ROTATIONS[n % 8]
        state[1] = (((state[1] << turn) & MASK) | (state[1] >> (32 - turn))) ^ state[0]
        if n % 4 == 3:
            s = n // 4 + 1
            state[0] = (state[0] + schedule[s % 3]) & MASK
            state[1] = (state[1] + schedule[(s + 1) % 3] + s) & MASK
    return state


def number(seed, purpose, key):
    first, second = threefry((seed & MASK, SALTS[purpose]), (key & MASK, key >> 32))
    return first * 2**32 + second


def parts(seed, purpose, keys, sizes):
    ranked = sorted(range(len(keys)), key=lambda i: number(seed, purpose, keys[i]))
    of = [0] * len(keys)
    rank = 0
    for part, size in enumerate(sizes):
        for _ in range(size):
            of[ranked[rank]] = part
            rank += 1
    assert rank == len(keys)
    return of


# Random123, kat_vectors: threefry2x32 with 20 rounds.
assert threefry((0, 0), (0, 0)) == [0x6B200159, 0x99BA4EFE]
assert threefry((MASK, MASK), (MASK, MASK)) == [0x1CB996FC, 0xBB002BE7]
assert threefry((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3)) == [0xC4923A9C, 0x483DF7A0]

places = list(range(40))
sparse = [7 * i * i for i in range(30)]
large = [2**53 - 1 - i * (2**32 + 12345) for i in range(30)]
cases = [
    (1, "test", places, [8, 32]),
    (1, "folds", places, [8, 8, 8, 8, 8]),
    (2, "folds", places, [8, 8, 8, 8, 8]),
    (1, "confirmation", sparse, [15, 15]),
    (2**31 - 1, "choice", large, [10, 20]),
    (7, "folds", large, [1] * 30),
]
draws = [
    {
        "seed": seed,
        "purpose": purpose,
        "keys": keys,
        "sizes": sizes,
        "parts": parts(seed, purpose, keys, sizes),
        "order": sorted(range(len(keys)), key=lambda i: number(seed, purpose, keys[i])),
    }
    for seed, purpose, keys, sizes in cases
]
seeds = [
    {"seed": seed, "purpose": purpose, "sampleSeed": number(seed, purpose, 0) >> 32}
    for seed in (0, 1, 20)
    for purpose in ("lossSamples", "termSamples")
]
print(json.dumps({"about": "draws of rows by Threefry-2x32-20, by make-row-draws.py", "draws": draws, "seeds": seeds}))
