"""Public holidays of a region, as lines for the parameters: deadlines do not end on them."""

from __future__ import annotations

from collections.abc import Iterable

from heytalk_audit.errors import InputError, nearest, printable


def lines(region: str, years: Iterable[int]) -> list[str]:
    """The holidays of a country or a part of one (ES, US-CA, GB-ENG), in order, as items of a region's list with their names.

    Names are English where the library has English ones. Raises InputError for an unknown region, and for years without holidays.
    """
    import holidays  # imported here, as no audit needs it

    country, _, part = region.strip().upper().partition("-")
    if country in ("EEA", "OTHER"):
        raise InputError(f"region {country}", "is many countries", "name one of them, as ES or DE")
    country = "GB" if country == "UK" else country
    countries = holidays.list_supported_countries(include_aliases=False)
    if country not in countries:
        raise InputError(f"region {region[:20]}", "is no country that is known", nearest(country, countries))
    if part and part not in countries[country]:
        parts = [f"{country}-{one}" for one in countries[country]]
        raise InputError(
            f"region {region[:20]}", f"is no part of {country} that is known", nearest(f"{country}-{part}", parts or [country])
        )
    years = sorted(set(years))
    days = holidays.country_holidays(country, subdiv=part or None, years=years, language="en_US")
    missing = [str(year) for year in years if not any(day.year == year for day in days)]
    if missing:
        raise InputError(f"region {region[:20]}", f"has no holidays on record for {', '.join(missing)}", "ask for other years")
    return [f"- {day.isoformat()}  # {printable(name)}" for day, name in sorted(days.items()) if day.year in years]
