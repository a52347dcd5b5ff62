"""What the assistant says, in English and Arabic. Whole sentences; what stands in braces is filled in. Pure.

Not gettext: a member is answered in the language he writes, whatever the language of his pages.
"""

from __future__ import annotations

_EN = {
    "help": (
        "You can ask me:\n"
        "• owner of villa 45 in Zinnia (or: 45-IN-Zinnia)\n"
        "• House Number/Municipality Number=45/1234567\n"
        "• P-12345, or: registration AKOYA OXYGEN-XG1234B\n"
        "• projects, or: clusters in Damac Hills 2\n"
        "• campaigns, or: start campaign Zinnia\n"
        "Numbers that I give are recorded with your name."
    ),
    "greeting": "Hello {name}. Write help to see what you can ask me.",
    "pong": "pong",
    "connected": "Connected, {name}. I answer this phone from now on.\n\n{help}",
    "taken": "This phone belongs to another member here. Ask an admin to take it off first.",
    "registered": "You are registered, {name}.",
    "not_understood": "I did not understand that.\n\n{help}",
    "ask_unit": (
        "Of which unit? Write for example:\nHouse Number/Municipality Number=45/1234567\n45-IN-Zinnia\nP-12345"
    ),
    "unit_unknown": "I find no such unit among those you work on. Check the number, or ask your manager to assign it to you.",
    "choose_unit": "{count} units fit. Answer with a number:",
    "choose_first": "{count} units fit; these are the first. Answer with a number, or say more, such as the house number:",
    "did_you_mean": "Do you want the owner of one of these? Answer with a number:",
    "no_owner": "{unit}: no owner is known.",
    "owner_of": "{unit}",
    "no_number": "{name}: no number is known.",
    "stopped_offers": "(said stop to offers)",
    "stopped_all": "(said stop: do not write)",
    "do_not_contact": "(do not contact)",
    "bad_contact": "(bad contact)",
    "limited": "You were given {limit} owners' numbers within an hour; that is the limit. Ask again later.",
    "not_allowed": "Your role does not allow this. Ask a manager.",
    "projects": "Your projects:",
    "no_projects": "No project is assigned to you.",
    "unit": "1 unit",
    "units": "{count} units",
    "clusters": "Clusters in {project}:",
    "no_clusters": "No cluster is known there among the units you work on.",
    "which_project": "Of which project? Answer with a number:",
    "project_unknown": "I find no such project among yours.",
    "more": "… and {count} more. Say a part of the name.",
    "agents": "Agents:",
    "campaigns": "These are approved and can be started. Answer with a number:",
    "no_campaigns": "No approved campaign of yours is waiting to be started.",
    "campaign_unknown": "No approved campaign fits “{words}”.",
    "confirm": "Start the campaign “{name}” now? Answer yes, or no.",
    "started": "Started: “{name}”. {people} people will get it.",
    "scheduled": "“{name}” is on the schedule: it starts by itself at its time.",
    "refused": "It did not start: {why}",
    "left": "Nothing was started.",
    "no_choice": "Choose a number from 1 to {most}.",
    "nothing_to_choose": "There is nothing to choose from. Write help to see what you can ask me.",
    "choose": "Choose",
    "yes": "Yes",
    "no": "No",
    "late": "I was away for a while. Please ask again.",
    "text_only": "I read text only.",
    "copy": "{who} asked: “{asked}” — {given}",
}
_AR = {
    "help": (
        "يمكنك أن تسألني:\n"
        "• مالك فيلا 45 في زينيا (أو: 45-IN-Zinnia)\n"
        "• House Number/Municipality Number=45/1234567\n"
        "• P-12345 أو: تسجيل AKOYA OXYGEN-XG1234B\n"
        "• مشاريعي، أو: مجمعات في داماك هيلز 2\n"
        "• حملات، أو: ابدأ حملة زينيا\n"
        "كل رقم أعطيه يُسجَّل باسمك."
    ),
    "greeting": "أهلاً {name}. اكتب: مساعدة، لترى ما يمكنك أن تسأل.",
    "pong": "pong",
    "connected": "تم الربط يا {name}. سأجيب هذا الهاتف من الآن.\n\n{help}",
    "taken": "هذا الهاتف مربوط بعضو آخر هنا. اطلب من المدير فكّه أولاً.",
    "registered": "أنت مسجَّل يا {name}.",
    "not_understood": "لم أفهم ذلك.\n\n{help}",
    "ask_unit": "مالك أي وحدة؟ اكتب مثلاً:\nHouse Number/Municipality Number=45/1234567\n45-IN-Zinnia\nP-12345",
    "unit_unknown": "لا أجد هذه الوحدة بين ما تعمل عليه. تأكد من الرقم، أو اطلب من مديرك إسنادها إليك.",
    "choose_unit": "وجدت {count} وحدات. أجب برقم:",
    "choose_first": "وجدت {count} وحدة، وهذه أولها. أجب برقم، أو زد في التحديد مثل رقم المنزل:",
    "did_you_mean": "هل تريد مالك إحدى هذه؟ أجب برقم:",
    "no_owner": "{unit}: لا نعرف المالك.",
    "owner_of": "{unit}",
    "no_number": "{name}: لا نعرف له رقماً.",
    "stopped_offers": "(طلب إيقاف العروض)",
    "stopped_all": "(طلب الإيقاف: لا تراسله)",
    "do_not_contact": "(لا يُتصل به)",
    "bad_contact": "(جهة غير صالحة)",
    "limited": "أُعطيت أرقام {limit} مالكاً خلال ساعة، وهذا هو الحد. اسأل لاحقاً.",
    "not_allowed": "دورك لا يسمح بهذا. اسأل مديرك.",
    "projects": "مشاريعك:",
    "no_projects": "لم يُسند إليك أي مشروع.",
    "unit": "وحدة واحدة",
    "units": "{count} وحدة",
    "clusters": "المجمعات في {project}:",
    "no_clusters": "لا نعرف مجمعات هناك بين الوحدات التي تعمل عليها.",
    "which_project": "في أي مشروع؟ أجب برقم:",
    "project_unknown": "لا أجد هذا المشروع بين مشاريعك.",
    "more": "… و{count} غيرها. اكتب جزءاً من الاسم.",
    "agents": "الوكلاء:",
    "campaigns": "هذه معتمدة ويمكن بدؤها. أجب برقم:",
    "no_campaigns": "لا توجد حملة معتمدة لك تنتظر البدء.",
    "campaign_unknown": "لا توجد حملة معتمدة باسم “{words}”.",
    "confirm": "هل أبدأ الحملة “{name}” الآن؟ أجب بنعم أو لا.",
    "started": "بدأت “{name}”. ستصل إلى {people} شخصاً.",
    "scheduled": "“{name}” على الجدول وستبدأ في وقتها.",
    "refused": "لم تبدأ: {why}",
    "left": "لم يبدأ شيء.",
    "no_choice": "اختر رقماً من 1 إلى {most}.",
    "nothing_to_choose": "لا يوجد ما تختاره. اكتب: مساعدة.",
    "choose": "اختر",
    "yes": "نعم",
    "no": "لا",
    "late": "كنت غائباً لبعض الوقت. اسأل من جديد من فضلك.",
    "text_only": "أقرأ النصوص فقط.",
    "copy": "{who} سأل: “{asked}” — {given}",
}
SENTENCES = {"en": _EN, "ar": _AR}
# WhatsApp takes 4,096 characters; a longer list is cut where a line ends.
LONGEST = 3_900


def say(language: str, key: str, **given: object) -> str:
    """The sentence in that language; English where the language is another one."""
    words = SENTENCES.get(language, _EN)
    return words[key].format(**{"help": words["help"], **given})


def units(language: str, count: int) -> str:
    """How many units, in words that go with the number."""
    return say(language, "unit" if count == 1 else "units", count=count)


def numbered(title: str, labels: list[str]) -> str:
    """A list to choose from by number."""
    return "\n".join([title, *(f"{number}. {label}" for number, label in enumerate(labels, 1))])


def listed(language: str, title: str, lines: list[str], *, most: int = 60) -> str:
    """A list to be read. What does not fit is counted."""
    kept = [title]
    for number, line in enumerate(lines):
        if number >= most or sum(map(len, kept)) + len(kept) + len(line) > LONGEST:
            kept.append(say(language, "more", count=len(lines) - number))
            break
        kept.append(f"• {line}")
    return "\n".join(kept)
