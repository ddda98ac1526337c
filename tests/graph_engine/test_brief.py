"""A brief lock lets one thread in at a time, and the interpreter goes to who holds it."""

from __future__ import annotations

import threading
import time

from graph_engine.brief import BriefLock


def test_only_one_thread_is_inside_at_a_time() -> None:
    lock, inside, most = BriefLock(), [0], [0]

    def work() -> None:
        for _ in range(300):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0)  # gives the interpreter away
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert inside == [0]


def test_it_is_let_go_of_when_the_body_raises() -> None:
    lock = BriefLock()
    try:
        with lock:
            raise ValueError
    except ValueError:
        pass
    assert lock.acquire(blocking=False)


def test_who_does_not_want_to_wait_is_told() -> None:
    lock = BriefLock()
    with lock:
        assert not lock.acquire(blocking=False)
    assert lock.acquire(blocking=False)
    lock.release()


def test_a_condition_can_be_made_of_it() -> None:
    lock = BriefLock()
    changed = threading.Condition(lock)  # type: ignore[arg-type]
    found: list[str] = []

    def wait() -> None:
        with changed:
            while not found:
                changed.wait()
            found.append("woken")

    thread = threading.Thread(target=wait)
    thread.start()
    with changed:
        found.append("told")
        changed.notify_all()
    thread.join(timeout=10)
    assert found == ["told", "woken"]
