"""Which waiting job is next: a function of what waits, and of who had a turn."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from graph_engine.jobs.choose import MOST_PASSED_OVER, choose, order


@dataclass(frozen=True)
class Waiting:
    id: str
    turn: float
    client: str = ""
    priority: int = 0
    state: str = "queued"
    models: tuple[str, ...] = ()
    passed_over: int = 0


def ids(jobs: list[Waiting], served: dict[str, int] | None = None) -> str:
    return "".join(job.id for job in order(jobs, served or {}))


def test_jobs_of_one_client_go_in_the_order_in_which_they_came() -> None:
    assert ids([Waiting("c", 3), Waiting("a", 1), Waiting("b", 2)]) == "abc"


def test_a_higher_priority_goes_first_and_what_was_interrupted_before_everything() -> None:
    jobs = [Waiting("a", 1), Waiting("b", 2, priority=5), Waiting("c", 3, priority=-1, state="interrupted")]
    assert ids(jobs) == "cba"


def test_clients_take_turns() -> None:
    many = [Waiting(name, turn, client="anna") for turn, name in enumerate("abcd")]
    assert ids([*many, Waiting("x", 10, client="ben"), Waiting("y", 11, client="ben")]) == "axbycd"


def test_who_had_a_turn_last_goes_after_the_others() -> None:
    jobs = [Waiting("a", 1, client="anna"), Waiting("b", 2, client="ben"), Waiting("c", 3, client="carla")]
    assert ids(jobs, {"anna": 7, "ben": 3}) == "cba"


def test_a_worker_prefers_a_job_whose_model_it_holds() -> None:
    jobs = [Waiting("a", 1, models=("big",)), Waiting("b", 2, models=("tiny",)), Waiting("c", 3, models=("tiny",))]
    assert [choose(jobs, {}, held) for held in (["tiny"], ["big"], [])] == [jobs[1], jobs[0], jobs[0]]


def test_a_job_is_passed_over_a_few_times_only() -> None:
    tired = Waiting("a", 1, models=("big",), passed_over=MOST_PASSED_OVER)
    assert choose([tired, Waiting("b", 2, models=("tiny",))], {}, ["tiny"]) == tired


def test_a_held_model_never_takes_another_clients_turn_nor_a_higher_priority() -> None:
    first = Waiting("a", 1, client="anna", models=("big",))
    assert choose([first, Waiting("b", 2, client="ben", models=("tiny",))], {}, ["tiny"]) == first
    urgent = Waiting("u", 3, priority=1, models=("big",))
    assert choose([Waiting("b", 2, models=("tiny",)), urgent], {}, ["tiny"]) == urgent


def test_a_job_without_a_model_waits_for_none() -> None:
    plain = Waiting("a", 1)
    assert choose([plain, Waiting("b", 2, models=("tiny",))], {}, ["tiny"]) == plain


def test_where_nothing_waits_nothing_is_chosen() -> None:
    assert choose([], {}, []) is None


@given(
    st.lists(st.tuples(st.sampled_from("xyz"), st.integers(-1, 1)), max_size=20),
    st.dictionaries(st.sampled_from("xyz"), st.integers(1, 9)),
)
def test_every_job_has_one_place_and_no_client_waits_for_two_of_another(
    lots: list[tuple[str, int]], served: dict[str, int]
) -> None:
    jobs = [Waiting(str(turn), turn, client=client, priority=priority) for turn, (client, priority) in enumerate(lots)]
    ordered = order(jobs, served)
    assert sorted(job.turn for job in ordered) == list(range(len(jobs)))
    assert [job.priority for job in ordered] == sorted((job.priority for job in jobs), reverse=True)
    for one, two in itertools.pairwise(ordered):
        if one.client == two.client and one.priority == two.priority:
            later = ordered[ordered.index(two) :]
            assert all(job.client == one.client for job in later if job.priority == one.priority)
