"""Money is an integer of micro-units, a millionth of the currency's major unit; people see minor units, floored."""

import re
from dataclasses import dataclass

from api.settings import Settings, SettingsError

MICROS = 1_000_000
# ISO 4217: currencies whose minor unit is not a hundredth.
WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
# Funds, metals and units of account: some have four decimals, none is paid with. XAF, XOF, XPF above and XCD, XCG are.
NO_MONEY = "BOV CHE CHW CLF COU MXV USN UYI UYW"
SHARED = " XCD XCG"


@dataclass(frozen=True)
class Currency:
    code: str
    minor_micros: int

    def minor(self, micros: int) -> int:
        """Minor units, cut towards zero: never more than there is."""
        return micros // self.minor_micros if micros >= 0 else -(-micros // self.minor_micros)

    def minor_up(self, micros: int) -> int:
        """Minor units that are enough to pay `micros`."""
        return -(-micros // self.minor_micros)

    def micros(self, minor: int) -> int:
        return minor * self.minor_micros


def currency_named(code: str) -> Currency:
    """A currency by its code."""
    digits = 0 if code in WHOLE else 3 if code in THOUSANDTHS else 2
    return Currency(code, MICROS // 10**digits)


def currency_of(settings: Settings) -> Currency:
    """The one currency of this platform; raises SettingsError."""
    code = settings.text("CURRENCY")
    if not re.fullmatch("[A-Z]{3}", code) or code in NO_MONEY or (code[0] == "X" and code not in WHOLE + SHARED):
        raise SettingsError(f"CURRENCY must be the ISO 4217 code of money people pay with, such as EUR, not {code!r}")
    return currency_named(code)
