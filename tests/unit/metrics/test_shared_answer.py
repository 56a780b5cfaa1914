# SPDX-License-Identifier: GPL-2.0-only
"""Many who ask at once share an answer, which is never older than the question."""

import threading
import time

import pytest

from netvsc_bpf.metrics.shared_answer import SharedAnswer


def test_who_asks_while_an_answer_is_made_shares_the_next_one() -> None:
    begun, go_on = threading.Semaphore(0), threading.Semaphore(0)
    numbers = iter(range(1, 100))

    def compute() -> bytes:
        number = next(numbers)
        begun.release()
        go_on.acquire()
        return str(number).encode()

    answer = SharedAnswer(compute)
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(answer())) for _ in range(20)]
    threads[0].start()
    begun.acquire()
    for thread in threads[1:]:
        thread.start()
    while answer._asking < len(threads):
        time.sleep(0.001)
    for _ in threads:
        go_on.release()
    for thread in threads:
        thread.join()
    assert sorted(found) == [b"1"] + [b"2"] * 19


def test_answers_one_after_the_other_are_each_made_anew() -> None:
    numbers = iter(range(1, 100))
    answer = SharedAnswer(lambda: str(next(numbers)).encode())
    assert [answer(), answer()] == [b"1", b"2"]


def test_an_error_is_of_the_one_who_asked() -> None:
    results = iter([ValueError("once"), b"fine"])

    def compute() -> bytes:
        result = next(results)
        if isinstance(result, bytes):
            return result
        raise result

    answer = SharedAnswer(compute)
    with pytest.raises(ValueError, match="once"):
        answer()
    assert answer() == b"fine"
