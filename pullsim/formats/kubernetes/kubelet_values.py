"""The names and types of the fields that a KubeletConfiguration sets, checked before defaulting and validation.

A field that the release does not know is ignored, as the kubelet ignores it: where strict decoding of v1beta1 fails,
the kubelet decodes leniently and logs that (pkg/kubelet/kubeletconfig/util/codec/codec.go DecodeKubeletConfiguration).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError, shown
from pullsim.formats.kubernetes.kubelet_fields import FIELDS, OTHER_FIELDS, field_names
from pullsim.inputs.suggestion import mistaken_for
from pullsim.spec.eviction_thresholds import DISK_SIGNALS
from pullsim.spec.feature_gates import GATES
from pullsim.units import parse_duration_ns

if TYPE_CHECKING:
    from pullsim.releases.kubelet import Version

API_VERSION: Final = "kubelet.config.k8s.io/v1beta1"
BACK_OFF_PERIOD: Final = "maxContainerRestartPeriod"  # the only field of crashLoopBackOff


def read(mapping: Mapping[str, Any], version: Version) -> tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]:
    """Read a KubeletConfiguration, or the answer of ``/configz``, for a kubelet of ``version``.

    Return three values: the fields that are set, with durations in nanoseconds; the names of the fields that have no
    effect on pulls; the names that no known release has. Raises InputError with all errors in names and types.
    """
    return _typed(_unwrapped(mapping), version)


def _unwrapped(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration without the wrapper of ``/configz``, and without ``kind`` and ``apiVersion``."""
    inner = mapping.get("kubeletconfig")
    if isinstance(inner, Mapping) and len(mapping) == 1:
        mapping = inner
    for key, right in (("kind", "KubeletConfiguration"), ("apiVersion", API_VERSION)):
        if mapping.get(key, right) != right:
            raise InputError(f"{key} is {shown(mapping[key])}: a kubelet configuration has {key}: {right}")
    return {key: value for key, value in mapping.items() if key not in ("kind", "apiVersion")}


def _typed(mapping: Mapping[Any, Any], version: Version) -> tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]:
    """Check names and types; see `read`."""
    given: dict[str, Any] = {}
    ignored, unknown, errors = [], [], []
    for name, value in mapping.items():
        if name in OTHER_FIELDS:
            ignored.append(name)
        elif name not in FIELDS:
            if right := mistaken_for(str(name), field_names()):
                errors.append(f"a KubeletConfiguration has no field {shown(name)}; did you mean {right}?")
            else:
                unknown.append(str(name))
        elif value is not None:
            field = FIELDS[name]
            if not field.effect:
                ignored.append(name)
            if field.type == "texts" and isinstance(value, Mapping):
                ignored += [f"{name}.{signal}" for signal in value if signal not in DISK_SIGNALS]
            if name == "crashLoopBackOff" and isinstance(value, Mapping):
                strange, wrong = _back_off_keys(value)
                unknown += strange
                errors += wrong
            if version < field.since:
                releases = f"{field.since[0]}.{field.since[1]} on, this kubelet is {version[0]}.{version[1]}"
                errors.append(f"{name}: this field exists from {releases}")
                continue
            try:
                given[name] = _value(name, field.type, value)
            except ValueError as error:
                errors.append(str(error))
    gates = given.get("featureGates", {})
    errors += [
        f"featureGates.{gate}: {shown(on)} must be true or false" for gate, on in gates.items() if type(on) is not bool
    ]
    ignored += [f"featureGates.{gate}" for gate in gates if gate not in GATES and gate not in ("AllAlpha", "AllBeta")]
    if errors:
        raise InputError("; ".join(errors))
    return given, tuple(ignored), tuple(unknown)


def _back_off_keys(value: Mapping[Any, Any]) -> tuple[list[str], list[str]]:
    """Return the unknown fields of a crashLoopBackOff, and the errors in it."""
    strange, wrong = [], []
    for key in value:
        if key == BACK_OFF_PERIOD:
            continue
        if mistaken_for(str(key), (BACK_OFF_PERIOD,)):
            wrong.append(f"crashLoopBackOff has no field {shown(key)}; did you mean {BACK_OFF_PERIOD}?")
        else:
            strange.append(f"crashLoopBackOff.{key}")
    return strange, wrong


def _value(name: str, type_: str, value: Any) -> Any:
    """Check a value's type and return it, durations in nanoseconds."""
    if type_ == "duration":
        if not isinstance(value, str):
            raise ValueError(f'{name}: {shown(value)} must be a duration with its unit, such as "2m0s"')
        try:
            return parse_duration_ns(value)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    right, fits = {
        "bool": ("true or false", type(value) is bool),
        "int32": ("a whole number of 32 bits", type(value) is int and -(2**31) <= value < 2**31),
        "string": ("text", isinstance(value, str)),
        "strings": ("a list of texts", isinstance(value, list) and all(isinstance(entry, str) for entry in value)),
        "mapping": ("a mapping", isinstance(value, Mapping) and all(isinstance(key, str) for key in value)),
        "texts": (
            "a mapping of texts",
            isinstance(value, Mapping) and all(isinstance(each, str) for pair in value.items() for each in pair),
        ),
    }[type_]
    if not fits:
        raise ValueError(f"{name}: {shown(value)} must be {right}")
    if name == "crashLoopBackOff":
        period = value.get(BACK_OFF_PERIOD)
        return None if period is None else _value(f"crashLoopBackOff.{BACK_OFF_PERIOD}", "duration", period)
    return value
