"""Which points of a record to keep: well fitted, well centred; and pairs of opposite current as one."""

import numpy as np
import xarray as xr

# Where the moment is below this part of its largest, a free-centre fit may follow noise or the holder.
SMALL_MOMENT = 0.05


def keep_good_points(
    dataset: xr.Dataset, *, minimum_fit_quality: float = 0.5, maximum_offset: float = 1e-3
) -> tuple[xr.Dataset, str]:
    """Drop points whose fit is poor or whose centre has wandered, and say which.

    Parameters
    ----------
    dataset : from `read_dat`
    minimum_fit_quality : smallest agreement of the SQUID fit (0 to 1) to keep
    maximum_offset : largest distance (m) of the fitted centre from that of the strong points around it. It
        is asked only where the moment is below 5 % of its largest, because near zero moment a free-centre fit
        locks on to noise or to the holder (Quantum Design's own advice is a fixed centre there).

    Returns
    -------
    The points kept, and one sentence on what was dropped and why.
    """
    poor = _is_poor(dataset, minimum_fit_quality)
    wandered = _has_wandered(dataset, maximum_offset) & ~poor
    kept = dataset.isel(point=np.flatnonzero(~poor & ~wandered))
    reasons = []
    if poor.any():
        reasons.append(
            f"{poor.sum()} with a fit quality below {minimum_fit_quality:g}{_where(dataset, poor)}"
        )
    if wandered.any():
        reasons.append(
            f"{wandered.sum()} near zero moment whose fitted centre lies more than {maximum_offset * 1e3:g} mm off "
            f"its neighbours{_where(dataset, wandered)}"
        )
    total = dataset.sizes["point"]
    if reasons:
        return kept, f"Of {total} points were dropped: {'; '.join(reasons)}."
    if "fit_quality" not in dataset and "sample_center" not in dataset:
        return kept, f"All {total} points were kept: the file states neither fit quality nor sample centre."
    return kept, f"All {total} points were kept: none is poorly fitted or off centre."


def combine_current_reversal(
    dataset: xr.Dataset,
    reversed_dataset: xr.Dataset | None = None,
    *,
    temperature_tolerance: float = 0.1,
    current_tolerance: float = 0.02,
) -> tuple[xr.Dataset, str]:
    """Average neighbouring points of opposite current, R = (V₊ − V₋)/2I, which removes thermal voltages.

    Parameters
    ----------
    dataset : from `read_dat`, with `resistance_N` and signed `excitation_N`; one file in which the sign alternates,
        or the file of one sign
    reversed_dataset : the file of the other sign, point by point
    temperature_tolerance : largest temperature difference (K) within a pair
    current_tolerance : largest relative difference of the two currents

    Returns
    -------
    The pairs (every number their mean, `resistance_N` for the bridges that alternate), and one sentence. Where
    nothing alternates, the dataset as it came.

    Raises
    ------
    ValueError
        Two files that have different numbers of points.
    """
    if reversed_dataset is not None:
        dataset = _interleaved(dataset, reversed_dataset)
    for n in "1234":
        if f"resistance_{n}" not in dataset or f"excitation_{n}" not in dataset:
            continue
        first = _pairs(dataset, n, temperature_tolerance, current_tolerance)
        if first.size:
            combined = _mean_of_pairs(dataset, first, n)
            left = dataset.sizes["point"] - 2 * first.size
            return combined, (
                f"{first.size} pairs of opposite current on bridge {n} were averaged; {left} points without a "
                "partner were left out."
            )
    return (
        dataset,
        "No current reversal: the sign of the excitation does not alternate, points stand as measured.",
    )


def _is_poor(dataset: xr.Dataset, minimum: float) -> np.ndarray:
    if "fit_quality" not in dataset:
        return np.zeros(dataset.sizes["point"], bool)
    return np.asarray(dataset["fit_quality"].values < minimum)


def _has_wandered(dataset: xr.Dataset, maximum: float) -> np.ndarray:
    """The centre of the strong points, interpolated in the order of measurement, is where the sample is."""
    if "sample_center" not in dataset or "moment" not in dataset:
        return np.zeros(dataset.sizes["point"], bool)
    moment, centre = np.abs(dataset["moment"].values), dataset["sample_center"].values
    known = np.isfinite(moment) & np.isfinite(centre)
    if not known.any():
        return known
    strong = np.flatnonzero(known & (moment > SMALL_MOMENT * moment[known].max()))
    if strong.size == 0:
        return np.zeros(known.size, bool)
    expected = np.interp(np.arange(moment.size), strong, centre[strong])
    weak = known.copy()
    weak[strong] = False
    return np.asarray(weak & (np.abs(centre - expected) > maximum))


def _where(dataset: xr.Dataset, points: np.ndarray) -> str:
    t = dataset["temperature"].values[points]
    return f" ({t.min():.4g} K)" if np.ptp(t) < 0.05 else f" ({t.min():.4g} to {t.max():.4g} K)"


def _pairs(dataset: xr.Dataset, n: str, temperature_tolerance: float, current_tolerance: float) -> np.ndarray:
    """Index of the first of each pair of neighbours of opposite current; no point is used twice."""
    current, resistance = dataset[f"excitation_{n}"].values, dataset[f"resistance_{n}"].values
    temperature = dataset["temperature"].values
    found, i = [], 0
    while i + 1 < current.size:
        one, two = current[i], current[i + 1]
        opposite = one * two < 0 and abs(one + two) <= current_tolerance * abs(one)
        near = abs(temperature[i] - temperature[i + 1]) <= temperature_tolerance
        if opposite and near and np.isfinite(resistance[i : i + 2]).all():
            found.append(i)
            i += 2
        else:
            i += 1
    return np.array(found, int)


def _mean_of_pairs(dataset: xr.Dataset, first: np.ndarray, n: str) -> xr.Dataset:
    one, two = dataset.isel(point=first), dataset.isel(point=first + 1)
    combined = one.copy()
    for name, variable in one.data_vars.items():
        if variable.dtype.kind == "f":
            combined[name] = variable.copy(data=(variable.values + two[name].values) / 2)
    i_one, i_two = one[f"excitation_{n}"].values, two[f"excitation_{n}"].values
    voltage = one[f"resistance_{n}"].values * i_one - two[f"resistance_{n}"].values * i_two
    combined[f"resistance_{n}"] = one[f"resistance_{n}"].copy(data=voltage / (i_one - i_two))
    combined[f"excitation_{n}"] = one[f"excitation_{n}"].copy(data=np.abs(i_one - i_two) / 2)
    uncertainty = f"resistance_uncertainty_{n}"
    if uncertainty in one:
        spread = np.hypot(one[uncertainty].values, two[uncertainty].values) / 2
        combined[uncertainty] = one[uncertainty].copy(data=spread)
    combined.attrs = dataset.attrs
    return combined


def _interleaved(plus: xr.Dataset, minus: xr.Dataset) -> xr.Dataset:
    if plus.sizes["point"] != minus.sizes["point"]:
        raise ValueError(
            f"the two current directions have {plus.sizes['point']} and {minus.sizes['point']} points; expected "
            "as many of each, measured at the same temperatures or fields"
        )
    common = [name for name in plus.data_vars if name in minus and plus[name].dtype.kind == "f"]
    both = xr.concat([plus[common], minus[common]], dim="point", combine_attrs="override")
    size = plus.sizes["point"]
    return both.isel(point=np.arange(2 * size).reshape(2, size).T.ravel()).assign_attrs(plus.attrs)
