"""The paper: what it says (``paper.yaml``), what follows for each statement, and the table of all of them.

``printed``     the statements as frozen data: `read_paper`, `Paper`, `Statement`
``verdict``     the words, and what each may rest on
``statements``  a function for each statement: `statement`, `Context`, `judge_statement`, `recompute`
"""

from nbtools.paper.printed import Paper, Statement, read_paper
from nbtools.paper.statements import Context, judge_statement, recompute, registered, statement
from nbtools.paper.verdict import WORDS, Verdict, Word

__all__ = [
    "WORDS",
    "Context",
    "Paper",
    "Statement",
    "Verdict",
    "Word",
    "judge_statement",
    "read_paper",
    "recompute",
    "registered",
    "statement",
]
