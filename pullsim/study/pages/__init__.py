"""``report.html`` of studies: a module for each kind of study returns its page; see `pullsim.results.page`."""
