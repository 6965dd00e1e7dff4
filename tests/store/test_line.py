"""Whoever asks first is served first, nobody is passed over, and nobody holds a turn that was handed to somebody who left."""

import threading
import time

from stopper.store.line import Line


def test_turns_are_given_in_the_order_in_which_they_were_asked_for() -> None:
    line, served = Line(), list[int]()
    assert line.acquire(1)
    threads = []
    for number in range(20):
        thread = threading.Thread(target=lambda n=number: (line.acquire(30), served.append(n), line.release()))
        thread.start()
        while len(line._waiting) <= number:
            time.sleep(0.001)
        threads.append(thread)
    line.release()
    for thread in threads:
        thread.join(30)
    assert served == list(range(20))


def test_one_at_a_time_and_one_who_comes_back_does_not_jump_the_queue() -> None:
    line, inside, most, turns = Line(), 0, 0, [0] * 8

    def work(number: int) -> None:
        nonlocal inside, most
        for _ in range(200):
            assert line.acquire(30)
            inside += 1
            most = max(most, inside)
            turns[number] += 1
            inside -= 1
            line.release()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == 1
    assert turns == [200] * 8


def test_who_gave_up_waiting_is_handed_nothing() -> None:
    line = Line()
    assert line.acquire(1)
    assert not line.acquire(0.01)
    line.release()
    assert line.acquire(0.01)
    line.release()
