"""Decides how the engine puts into words what it found: a sentence is a code with facts, and its English is made from a table.

A sentence is a text, so whoever knows no codes prints it. An interface in another language makes its own from the code and the facts.
In a table ``{names:or}`` stands for a list joined by that word (by commas without one), and ``{type:a}`` puts the article before a fact.
A fact called ``input`` or ``inputs`` names fields of nodes, which other languages may have words for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypeAlias

Fact: TypeAlias = "str | int | list[str] | list[Sentence]"  # a str may be a sentence too
_BLANK = re.compile(r"\{(\w+)(?::(\w+))?\}")


class Sentence(str):
    """The English, with what it was made from."""

    __slots__ = ("code", "facts")
    code: str
    facts: Mapping[str, Fact]

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "facts": {name: _plain(fact) for name, fact in self.facts.items()}}


class Sentences(dict[str, str]):
    """A table of English by code: ``say("no_choice", value="'x'")`` is the sentence."""

    def __call__(self, code: str, /, **facts: Fact) -> Sentence:
        text, blanks = _pieces(self[code])
        for name, word, after in blanks:
            text += _written(facts[name], word) + after
        made = Sentence(text)
        made.code, made.facts = code, facts
        return made


@cache  # a run of many nodes says the same of each
def _pieces(template: str) -> tuple[str, tuple[tuple[str, str | None, str], ...]]:
    """What stands before the first blank; and each blank's name, its word, and what follows it."""
    before, *rest = _BLANK.split(template)
    return before, tuple(zip(rest[::3], rest[1::3], rest[2::3], strict=True))


def said(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON form of those of the facts that are sentences, by name: it goes along with the English."""
    return {name: value.as_json() for name, value in facts.items() if isinstance(value, Sentence)}


def message(error: BaseException) -> str:
    """What an error says, as the sentence that it was raised with where it is one."""
    return error.args[0] if error.args and isinstance(error.args[0], Sentence) else str(error)


def listed(names: Iterable[str]) -> Fact:
    """Names as a fact, also where there are none."""
    return list(names) or say("none")


def _written(fact: Fact, word: str | None) -> str:
    if isinstance(fact, list):
        return (f" {word} " if word else ", ").join(fact)
    return f"{'an' if f'{fact}'[0].lower() in 'aeiou' else 'a'} {fact}" if word == "a" else f"{fact}"


def _plain(fact: Fact) -> Any:
    if isinstance(fact, list):
        return [_plain(one) for one in fact]
    return fact.as_json() if isinstance(fact, Sentence) else fact


say = Sentences(
    # why a node runs or does not
    first_time="first time",
    every_run="changes on every run",
    result_gone="its result is no longer kept",
    handle_anew="a handle is made anew by each process",
    unchanged="nothing that it depends on changed",
    muted="it is muted, or needs a muted node",
    other_node_version="node version {before} -> {now}",
    changes="{changes}",
    value_changed="{input} {before} -> {now}",
    now_a_value="{input} is now a value",
    now_linked="{input} is now linked",
    input_will_change="its input changes",
    input_changed="its input {inputs:and} changed",
    file_changed="the file changed",
    basis_unreadable="what it depends on cannot be read: {error}",
    basis_untold="what it depends on cannot be told: {error}",
    # what is wrong with a workflow: causes
    no_node_type="no node type is called '{type}'.",
    values_not_brought="its values could not be brought from version {before} to {after}: {error}.",
    other_version="{type} is version {version} here, and version {installed} is installed.",
    nothing_given="nothing is given here.",
    no_such_input="{type} has no input '{name}'.",
    not_writable="{type} cannot be written as a value.",
    not_of_type="{value} is no {type}.",
    not_a_choice="{value} is no choice.",
    outside="{value} lies outside {range}.",
    nothing_called="there is no {what} called {value}.",
    linked_to_nothing="it is linked to '{node}', which does not exist.",
    no_such_output="'{node}' has no output '{name}'.",
    output_from_nothing="the declared output is broken: it comes from '{node}', which does not exist.",
    output_from_no_output="the declared output is broken: it comes from {source}, which does not exist.",
    too_many_links="{count} links lead here, and it takes one value.",
    circle="these nodes need each other: {way}.",
    misfit="{source} gives {got}, but {reason}.",
    unreadable="{error}.",
    nothing_saved="no node saves anything and no output is declared.",
    empty="the workflow is empty.",
    no_target="there is no node or output '{name}'.",
    muted_target="'{name}' is muted, or needs a muted node.",
    too_many_nodes="it holds more than {most} nodes once written out.",
    no_declared_input="there is no input '{name}'.",
    input_sets_nothing="a declared input sets '{node}', which does not exist.",
    no_definition="no definition is called '{name}'.",
    contains_itself="'{name}' contains itself, or lies too deep.",
    definition_no_input="the definition has no input '{name}'.",
    definition_no_output="the definition has no output '{name}'.",
    no_list_named="nothing says which input takes a list.",
    lengths_differ="its lists differ in length: {lengths}.",
    has_items="{input} has {count}",
    how_often_missing="it is not told how often to repeat.",
    too_often="it would repeat more than {most} times.",
    no_list="it is no list.",
    list_muted="its list comes from a muted node.",
    # why a link is refused
    needed="it is {got:a}, and {want:a} is needed",
    one_needed="it is {got:a}, and one of {wants} is needed",
    bound_otherwise="it is for {got}, but another input of this node is for {bound}",
    within="{name}: {reason}",
    # what to do about it
    did_you_mean="Did you mean {names:or}?",
    did_you_mean_name="Did you mean '{name}'?",
    install_pack="Install the pack that has it, or remove the node.",
    set_up_anew="Set the node up anew.",
    no_migration="The pack has no migration: set the node up anew.",
    update_pack="Update the pack.",
    give_value="Give it a value ({type}).",
    link_to_it="Link an output of type {type} to it.",
    inputs_are="Its inputs: {names}.",
    outputs_are="Its outputs: {names}.",
    outputs_of_are="Outputs of {node}: {names}.",
    declared_inputs_are="Declared inputs: {names}.",
    link_instead="Link an output to it.",
    write="Write {example}.",
    choices_are="Choices: {names}.",
    did_you_mean_choice="Did you mean '{name}'? Choices: {names}.",
    choose_inside="Choose a number inside.",
    relink="Relink it.",
    correct_from="Correct the output's 'from'.",
    correct_to="Correct the input's 'to'.",
    keep_one_link="Keep one of the links.",
    remove_one_link="Remove one of the links.",
    insert="Insert '{title}' ({type}) between them.",
    link_type="Link an output of type {type}.",
    choose_other_file="Choose another file.",
    add_sink="Add a node such as 'Save image', or declare an output.",
    name_target="Name a node of the file, or one of its outputs.",
    unmute_target="Unmute it, or name another target.",
    split_workflow="Split it.",
    add_definition="Add it under 'definitions'.",
    no_self_repeat="A subgraph cannot repeat itself.",
    name_in_over="Name it in 'over'.",
    same_lengths="Give each list as many items.",
    say_how_often="Give '{name}' a whole number, or name a list in 'over'.",
    split_list="Split the list.",
    give_list="Give it a list: the subgraph is repeated for each item.",
    link_list="Link a list to it, or give it one.",
    unmute_list="Unmute it, or link another list.",
    # parts of these
    none="none",
    so_large="a number that large",
    a_bool="true or false",
    an_int="a whole number",
    a_float="a number",
    a_text="a text in quotes",
    a_type="{type:a}",
    # why a file cannot be read
    file_too_large="it has {count} bytes; a workflow has at most {most}.",
    not_an_object="it holds {type}, not a workflow: the outermost value must be an object.",
    too_deep="it is nested more than {most} levels deep.",
    not_utf8="it is not UTF-8 text (byte {byte}). Save it as UTF-8.",
    no_json="line {line}, column {column}: {error}. The file is cut off or is no JSON.",
    half_character="it holds half a character (a lone surrogate), which no file can hold. Remove it.",
    integer_too_large="it holds a whole number that is too large. Write a shorter number.",
    key_twice="the key '{key}' stands twice in one object: which of the two is meant cannot be told. Remove one.",
    not_finite="it holds {name}, which is no number in JSON. Write a finite number.",
    number_too_large="the number {number} is too large. Write a finite number.",
    other_format='"format" is {format}, not "{wanted}": this is no Latent Loom workflow.',
    newer_format="it has the format {format} and this version reads up to {known}: update latent-loom to open it.",
    file_damaged="{file} is damaged: {error}. Use the original file.",
    carries_nothing="{file} carries no workflow: it was made elsewhere, or its metadata was removed.",
    the_picture="the picture",
    # jobs
    queue_full="{count} jobs wait already, and no more are taken. Cancel some, or wait.",
    no_job="there is no job '{id}'. It may be long over and forgotten, or in another state folder.",
    cannot_move="the job is {state}: only one that waits can be moved.",
    cannot_go_before="the job {id} is {state}: name one that waits.",
    cannot_repeat="the job is {state}: wait for its end, or cancel it.",
    # why a node or a job failed, and what to do about it
    at_input="{input}: {cause}",
    no_memory="there is not enough memory.",
    make_smaller="Make the picture or the batch smaller, or close other programs.",
    correct_input="Correct the input, then run again: what is finished is kept.",
    check_file="Check that the file is there and can be read, then run again.",
    fault_of_node="This is a fault of the node (pack {pack}); its traceback is in the log (--verbose).",
    fault_of_unknown_node="This is a fault of the node (pack unknown); its traceback is in the log (--verbose).",
    not_written="{file} could not be written to {folder}: {error}. Choose another folder with --output, or make room.",
    worker_died="its worker died twice: {how}",
    see_job_log="See the job's log. If memory ran out, make the picture or the batch smaller.",
)  # fmt: skip
