"""Micro-units, a millionth of the currency's major unit, as the minor units people see."""

from dataclasses import dataclass

from api.settings import Settings

# ISO 4217: currencies whose minor unit is not a hundredth.
WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split()  # noqa: SIM905 - reads better
THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND".split()  # noqa: SIM905


@dataclass(frozen=True)
class Currency:
    """The platform's one currency."""

    code: str
    minor_micros: int

    def minor(self, micros: int) -> int:
        """Minor units, cut towards zero."""
        whole = abs(micros) // self.minor_micros
        return whole if micros >= 0 else -whole


def currency_of(settings: Settings) -> Currency:
    code = settings.text("CURRENCY")
    return Currency(code, 1_000_000 if code in WHOLE else 1_000 if code in THOUSANDTHS else 10_000)
