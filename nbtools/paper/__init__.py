"""The paper: what it says (``paper.yaml``), what follows for each statement, and the table of all of them.

``printed``     the statements as frozen data: `read_paper`, `Paper`, `Statement`
``verdict``     the words, and what each may rest on
``statements``  a function for each statement: `statement`, `Context`, `judge_statement`, `recompute`
``settle``      judge statements on a sample, keep the verdicts and show them: `settle`, `Verdicts`
``ledgers``     the results of all notebooks, which run each is from, and why some do not count: `read_ledgers`
``table``       one table for JupyterLab, the report, the terminal and files: `paper_table`; `enter` keeps a verdict
"""

from nbtools.paper.ledgers import Ledgers, RunRecord, read_ledgers
from nbtools.paper.printed import Paper, Statement, read_paper
from nbtools.paper.settle import Verdicts, settle
from nbtools.paper.statements import Context, judge_statement, recompute, registered, statement
from nbtools.paper.table import PaperTable, enter, paper_table
from nbtools.paper.verdict import WORDS, Verdict, Word

__all__ = [
    "WORDS",
    "Context",
    "Ledgers",
    "Paper",
    "PaperTable",
    "RunRecord",
    "Statement",
    "Verdict",
    "Verdicts",
    "Word",
    "enter",
    "judge_statement",
    "paper_table",
    "read_ledgers",
    "read_paper",
    "recompute",
    "registered",
    "settle",
    "statement",
]
