"""Message templates: what a send must fill in, and the management endpoints' view of them."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from . import ids
from .errors import GraphError, invalid
from .world import Json, Template

PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
NAME = re.compile(r"[a-z0-9_]{1,512}")
MEDIA_HEADERS = ("IMAGE", "VIDEO", "DOCUMENT", "LOCATION")
CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")
STATUSES = ("APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED", "IN_APPEAL", "PENDING_DELETION")

REFUSED_STATUS = {"PAUSED": 132015, "DISABLED": 132016}


class Needs(NamedTuple):
    """The parameters a template asks for: names of the text ones, the media header, the URL buttons by index."""

    header: tuple[str, ...]
    body: tuple[str, ...]
    media: str
    buttons: tuple[tuple[str, tuple[str, ...]], ...]


def placeholders(text: str) -> tuple[str, ...]:
    """The distinct parameters of a text in order of appearance."""
    return tuple(dict.fromkeys(PLACEHOLDER.findall(text)))


def needs(template: Template) -> Needs:
    """What a send of this template must bring. Worked out once for each distinct text."""
    header = body = media = ""
    buttons: list[tuple[str, tuple[str, ...]]] = []
    for component in template.components:
        kind = str(component.get("type", "")).upper()
        if kind == "BODY":
            body = str(component.get("text", ""))
        elif kind == "HEADER":
            form = str(component.get("format", "TEXT")).upper()
            media = form if form in MEDIA_HEADERS else ""
            header = str(component.get("text", "")) if form == "TEXT" else ""
        elif kind == "BUTTONS":
            for index, button in enumerate(component.get("buttons", [])):
                if str(button.get("type", "")).upper() == "URL" and (found := placeholders(str(button.get("url", "")))):
                    buttons.append((str(index), found))
    return _needs(header, body, media, tuple(buttons))


@lru_cache(maxsize=4096)
def _needs(header: str, body: str, media: str, buttons: tuple[tuple[str, tuple[str, ...]], ...]) -> Needs:
    return Needs(placeholders(header), placeholders(body), media, buttons)


def check(template: Template, components: list[Json]) -> None:
    """Refuse a send whose parameters are not those of the template."""
    asked = needs(template)
    named = template.parameter_format == "NAMED"
    given = {str(each.get("type", "")).lower(): each for each in components if each.get("type") != "button"}
    buttons = {str(each.get("index")): each for each in components if str(each.get("type", "")).lower() == "button"}
    _check_texts("body", asked.body, given.get("body"), named=named)
    if asked.media:
        _check_media(asked.media, given.get("header"))
    else:
        _check_texts("header", asked.header, given.get("header"), named=named)
    for index, names in asked.buttons:
        got = len(buttons.get(index, {}).get("parameters") or [])
        if got != len(names):
            raise GraphError(131008, f"buttons: Button at index {index} of type Url requires a parameter")


def _check_texts(place: str, asked: tuple[str, ...], component: Json | None, *, named: bool) -> None:
    parameters = (component or {}).get("parameters") or []
    if not isinstance(parameters, list) or not all(isinstance(each, dict) for each in parameters):
        raise invalid(f"Param template['components']['{place}']['parameters'] must be an array of objects.")
    if len(parameters) != len(asked):
        raise GraphError(
            132000,
            f"{place}: number of localizable_params ({len(parameters)}) does not match "
            f"the expected number of params ({len(asked)})",
        )
    if named and {str(each.get("parameter_name")) for each in parameters} != set(asked):
        raise invalid("Invalid parameter", "Parameter name is missing or empty, or is not one of the template's.")
    for index, each in enumerate(parameters):
        if each.get("type") == "text":
            _check_text(place, index, each.get("text"))


def _check_text(place: str, index: int, text: object) -> None:
    if not isinstance(text, str) or not text:
        raise GraphError(131008, f"{place}: parameter {index + 1} of type text is missing its text")
    if "\n" in text or "\t" in text or "     " in text:
        raise GraphError(132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
    if len(text) > 1024:
        raise GraphError(132005, f"{place}: Translated text too long")


def _check_media(form: str, component: Json | None) -> None:
    parameters = (component or {}).get("parameters") or []
    if len(parameters) != 1 or str(parameters[0].get("type", "")).upper() != form:
        raise GraphError(132012, f"header: Format mismatch, expected {form}, received {_received(parameters)}")


def _received(parameters: list[Json]) -> str:
    return str(parameters[0].get("type", "UNKNOWN")).upper() if parameters else "NONE"


def rendered(template: Template, components: list[Json]) -> dict[str, str]:
    """The texts the recipient reads, for the page: header, body and footer with the parameters filled in."""
    values: dict[str, dict[str, str]] = {}
    for each in components:
        place = str(each.get("type", "")).lower()
        for index, parameter in enumerate(each.get("parameters") or []):
            name = str(parameter.get("parameter_name") or index + 1)
            values.setdefault(place, {})[name] = str(parameter.get("text", ""))
    texts: dict[str, str] = {}
    for component in template.components:
        place = str(component.get("type", "")).lower()
        text = component.get("text")
        if place in ("header", "body", "footer") and isinstance(text, str):
            texts[place] = _filled(text, values.get(place, {}))
    return texts


def buttons(template: Template, components: list[Json]) -> list[Json]:
    """The buttons under a sent template: what is tapped on them comes back as `button` with this payload."""
    given = {
        str(each.get("index")): each.get("parameters") or [] for each in components if each.get("type") == "button"
    }
    listed = [button for each in template.components if each.get("type") == "BUTTONS" for button in each["buttons"]]
    shown: list[Json] = []
    for index, button in enumerate(listed):
        parameters = given.get(str(index), [])
        first = parameters[0] if parameters else {}
        item = {"text": button.get("text", ""), "payload": first.get("payload") or button.get("text", "")}
        if button.get("url"):
            item["url"] = PLACEHOLDER.sub(str(first.get("text", "")), str(button["url"]))
        shown.append(item)
    return shown


def _filled(text: str, values: dict[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def created(request: Json, *, status: str = "PENDING") -> Template:
    """A template from the body of a create call, or the `(#100)` that Meta answers."""
    name, language = request.get("name"), request.get("language")
    category = str(request.get("category", "")).upper()
    components = request.get("components", [])
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise invalid("Invalid parameter", "name: only lowercase letters, digits and underscores, at most 512")
    if not isinstance(language, str) or not language:
        raise invalid("The parameter language is required.")
    if category not in CATEGORIES:
        raise invalid(f"Param category must be one of {{{', '.join(CATEGORIES)}}} - got {category!r}.")
    check_components(components)
    return Template(
        id=str(request.get("id") or ids.object_id()),
        name=name,
        language=language,
        category=category,
        status=status,
        components=components,
        parameter_format=str(request.get("parameter_format", "POSITIONAL")).upper(),
    )


def check_components(components: object) -> None:
    """The lengths and counts that Meta's review refuses at once."""
    if not isinstance(components, list) or not all(isinstance(each, dict) for each in components):
        raise invalid("Param components must be an array of objects.")
    texts = {str(each.get("type", "")).upper(): str(each.get("text", "")) for each in components}
    if "BODY" not in texts:
        raise invalid("Invalid parameter", "components: a BODY component is required")
    for place, longest in (("HEADER", 60), ("BODY", 1024), ("FOOTER", 60)):
        if len(texts.get(place, "")) > longest:
            raise invalid("Invalid parameter", f"components: {place} may hold {longest} characters")
    if len(placeholders(texts.get("HEADER", ""))) > 1:
        raise invalid("Invalid parameter", "components: HEADER may hold one variable")
    if any(len(each.get("buttons", [])) > 10 for each in components):
        raise invalid("Invalid parameter", "components: at most 10 buttons")


def shown(template: Template, fields: Iterable[str] = ()) -> Json:
    """One template as the API lists it; `id` is always there."""
    whole: Json = {
        "name": template.name,
        "parameter_format": template.parameter_format,
        "components": template.components,
        "language": template.language,
        "status": template.status,
        "category": template.category,
        "rejected_reason": template.rejected_reason,
        "quality_score": {"score": template.quality},
        "id": template.id,
    }
    wanted = {each.strip() for each in fields if each.strip()}
    if not wanted:
        return {key: value for key, value in whole.items() if key not in ("rejected_reason", "quality_score")}
    return {key: value for key, value in whole.items() if key in wanted or key == "id"}
