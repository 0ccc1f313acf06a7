"""What became of everything: a line for what people want to read, a number for the rest."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from roliascan.cli.importing.names import shown

KINDS = ("users", "permissions", "series", "chapters", "pages", "comments", "ratings", "files")
RESULTS = ("added", "unchanged", "warning", "refused")


class Report:
    """Told each outcome as it happens, and keeps only numbers of them. `say` takes a line, `step` a number of rows."""

    def __init__(self, *, say: Callable[[str], None], step: Callable[[int], None], as_json: bool) -> None:
        self._say = say
        self._as_json = as_json
        self._begun = False
        self._counts: Counter[tuple[str, str]] = Counter()
        self.step = step

    def count(self, kind: str, result: str, by: int = 1) -> None:
        """For what nobody wants to read one by one."""
        self._counts[kind, result] += by

    def tell(self, kind: str, result: str, what: str, detail: str = "", *, id: str = "") -> None:
        self.count(kind, result)
        if self._as_json:
            outcome = {"kind": kind, "result": result, "id": id, "what": shown(what, 500), "detail": detail}
            self._say(("," if self._begun else '{"outcomes": [') + json.dumps(outcome))
            self._begun = True
            return
        words = f"{result}: {kind}: {shown(what, 500)}"
        self._say(f"{words} ({detail})" if result == "added" and detail else f"{words}: {detail}" if detail else words)

    @property
    def is_refused(self) -> bool:
        return any(number for (_, result), number in self._counts.items() if result == "refused")

    def end(self) -> None:
        """The numbers, last of all."""
        table = {kind: {result: self._counts[kind, result] for result in RESULTS} for kind in KINDS}
        if self._as_json:
            head = "" if self._begun else '{"outcomes": ['
            self._say(f'{head}], "counts": {json.dumps(table)}}}')
            return
        for kind, counts in table.items():
            if any(counts.values()):
                self._say(f"{kind}: {_sentence(counts)}.")


def _sentence(counts: dict[str, Any]) -> str:
    told = f"{counts['added']} added, {counts['unchanged']} unchanged, {counts['refused']} refused"
    return f"{told}, {counts['warning']} warnings" if counts["warning"] else told
