"""The story, in order. Each step acts through a door, checks what became of it, and says so in a sentence."""

from __future__ import annotations

from collections.abc import Callable

from config.demo.stage import Stage
from config.demo.story import assistant, money, outreach, sheets, stock, talk

STEPS: list[Callable[[Stage], str]] = [
    stock.everything_is_up,
    stock.refuse_bad_files,
    stock.import_the_workbook,
    stock.import_it_again,
    stock.hire_agents,
    talk.connect_number,
    outreach.choose_owners,
    outreach.send,
    talk.hear_replies,
    talk.answer_in_the_inbox,
    outreach.respect_stop,
    talk.keep_the_window,
    talk.turn_away,
    assistant.ask_for_an_owner,
    money.close_deal,
    money.approve,
    money.pay,
    money.stand_on_the_ledger,
    sheets.link_the_offices_sheet,
    sheets.work_on_both_sides,
    sheets.agree_after_a_conflict,
]
