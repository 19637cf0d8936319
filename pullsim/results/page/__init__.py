"""``report.html``: one page for people about a run or a study, which needs no network and no other file.

`page` is what a page is made of, `writing` makes HTML of it, `run_page` is that of a run; `study.pages` has the others.
"""
