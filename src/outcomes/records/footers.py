"""Rows that are no records: totals, subtotals, "end of report", and the number of records they state."""

from __future__ import annotations

import re

_ROWS = (
    r"(?:records|rows|visits|lines|datens(?:ä|ae)tze|zeilen|besuche|regels|rijen|bezoeken|enregistrements|lignes|visites"
    r"|registros|filas|visitas|citas|righe|visite|linhas|consultas|rekordy|rekord[oó]w|wiersze|wierszy|wizyty|wizyt)"
)
"""What a file counts itself in, in the languages its headers are known in."""
_LONG = (
    r"(?:grand|sub|overall|column|report|page|sous|suma|somme)?[ -]?totals?",
    r"(?:zwischen|gesamt)?summe",
    r"(?:eind|sub)?totaal",
    r"(?:sub)?total[ei]s?|sub-?totales|totaux|totais|gesamt|zusammenfassung|samenvatting|resumen|r[ée]capitulatif|riepilogo",
    r"end of (?:the )?(?:report|file|export|data|list|table)",
    r"ende (?:des |der )?(?:berichts?|datei|exports?|daten|liste|tabelle)",
    r"einde (?:van )?(?:het |de )?(?:rapport|verslag|bestand|export|lijst)",
    r"fin (?:du |de la |del |de l['’]|de )?(?:rapport|fichier|liste|informe|archivo|exportaci[oó]n|export(?:ation)?)",
    r"fine (?:del |della |dell['’])?(?:rapporto|file|elenco|esportazione|report)",
    r"fim (?:do |da )?(?:relat[óo]rio|ficheiro|arquivo|lista)|koniec (?:raportu|pliku|listy|danych)",
    r"[*= -]+ ?(?:end|ende|einde|fin|fine) ?(?:of [a-z]+)? ?[*= -]+",
    r"(?:report |file |data )?(?:generated|printed|created|exported|extracted|produced) (?:on|by|at|\d[\d./-]*)",
    r"(?:erstellt|gedruckt|exportiert|ausgedruckt|afgedrukt|aangemaakt|imprim[ée]|g[ée]n[ée]r[ée]|export[ée]|impreso|generado|"
    r"exportado|stampato|generato|esportato) (?:am|von|op|door|le|par|el|por|il|da|\d[\d./-]*)",
    r"(?:page|seite|pagina|p[áa]gina|strona) \d+(?: (?:of|von|van|sur|de|di) \d+)?",
    r"signature|unterschrift|handtekening|firma",
    r"signed(?: by|:)",
    r"confidential",
    r"filters? applied",
    rf"(?:total |number of |anzahl (?:der )?|aantal |nombre (?:de |d['’])|n[úu]mero (?:de |di ))?{_ROWS}"
    r"(?: exported| selected| returned| in file)?\b",
    rf"\(?[\d,.' ]+ {_ROWS}\b",
)
_ALONE = (r"suma(?: całkowita| końcowa)?|soma|somma|somme|łącznie|razem|ogółem|podsumowanie",)
_SHORT = (
    *(r"sum", r"mean", r"average", r"count", r"median", r"min", r"max", r"summary", r"conteo", r"recuento"),
    *(r"durchschnitt", r"mittelwert", r"gemiddelde", r"moyenne", r"promedio", r"m[ée]dia", r"średnia"),
)
FOOTER = rf"(?i)^[\s\"']*(?:(?:{'|'.join(_LONG)})(?:[\s:=.,;*()/-].*)?|(?:{'|'.join(_ALONE)})[\s:=]*)$"
"""A first cell that no patient's pseudonym is; words a practice may be called by (Soma-17) only where they end it."""
SHORT_FOOTER = rf"(?i)^[\s\"']*(?:{'|'.join(_SHORT)})[\s:=]*$"
"""A first cell that may be initials: no patient only where the row has no day."""

_is_footer = re.compile(FOOTER).match
_is_short = re.compile(SHORT_FOOTER).match
_STATED = (
    re.compile(rf"{_ROWS}(?: exported| in file)?[ :=]*(\d[\d,.' ]*)$", re.I),
    re.compile(rf"\(?(\d[\d,.' ]*) {_ROWS}(?: exported| selected| returned| affected)?[.)]*$", re.I),
)
_TOTAL = re.compile(
    rf"(?:{'|'.join((*_LONG[:4], *_ALONE, 'anzahl|aantal|conteo|recuento|sum|count'))})[\s:=]*(\d+)$", re.I
)
_LONGEST = 200
BETWEEN_CELLS = "\t"
"""Between the cells of a footer, so that two numbers beside each other are not read as one."""


def is_footer(first_cell: str, has_day: bool = False) -> bool:
    """Whether a row that begins so is a total or a footer."""
    cell = first_cell[:_LONGEST]
    return bool(_is_footer(cell)) or (not has_day and bool(_is_short(cell)))


def read_stated_rows(text: str) -> int | None:
    """Return the number of records a footer states ("Records: 1,234"); None when it states none.

    It stands in the first cell, or in the second of two; further cells hold totals of their columns.
    """
    cells = text[:_LONGEST].split(BETWEEN_CELLS)
    for stated in (cells[0], " ".join(cells) if len(cells) == 2 else ""):
        plain = stated.strip(" \"'*=-")
        for pattern in _STATED:
            if found := pattern.search(plain):
                return int(re.sub(r"\D", "", found.group(1)))
    return None


def read_total(text: str) -> int | None:
    """Return the number of a footer that says no more than a total ("Total: 301"), of rows perhaps; None for others."""
    found = _TOTAL.fullmatch(text[:_LONGEST].strip(" \"'*=-.;"))
    return int(found.group(1)) if found else None
