"""Small results of an engine as data frames."""

from __future__ import annotations

from typing import cast

import pandas as pd
import pyarrow as pa


def frame(table: pa.Table) -> pd.DataFrame:
    """A table as a data frame; dates as `datetime.date`."""
    return cast(pd.DataFrame, table.to_pandas(date_as_object=True))
