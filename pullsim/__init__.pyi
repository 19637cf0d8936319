from pullsim.errors import InputError as InputError
from pullsim.errors import InputErrors as InputErrors
from pullsim.errors import PullsimError as PullsimError
from pullsim.results import charts as charts
from pullsim.results import tables as tables
from pullsim.results.summary.summary import Summary as Summary
from pullsim.results.summary.summary import summarize as summarize
from pullsim.run import Progress as Progress
from pullsim.run import Result as Result
from pullsim.run import run as run
from pullsim.run import simulate as simulate
from pullsim.scenario import Scenario as Scenario
from pullsim.scenario import effective_yaml as effective_yaml
from pullsim.scenario import from_mapping as from_mapping
from pullsim.scenario import load as load
from pullsim.scenario import override as override
from pullsim.study.advice.advise import advise as advise
from pullsim.study.compare import compare as compare
from pullsim.study.fit import Fit as Fit
from pullsim.study.fit import fit as fit
from pullsim.study.solve import solve as solve
from pullsim.study.sweep import sweep as sweep

__version__: str
