//! Documentation of the two raw methods, with the signature in front as `inspect` reads it.

use std::ffi::CStr;

pub(crate) const TRACK_DOC: &CStr =
    c"track($self, value, name=None, step=None, epoch=None, *, context=None)
--

Log one value of a metric, or several at once.

Parameters
----------
value : number or dict of str to number
    int, float, bool (kept as 0 or 1), a scalar of numpy, torch and the like, or an array of one
    element without dimensions. NaN and infinities are kept. A dict logs each of its items under
    its key; `name` is left out then.
name : str
    Name of the metric, 1 to 512 bytes.
step : number, optional
    Finite. Any order, any gaps; at a repeated step the later value shows. Left out: one more
    than the highest step of the series, counted from 0.
epoch : number, optional
    Kept beside the value; not part of its identity.
context : dict, optional
    What tells series of one name apart, as ``{\"subset\": \"train\"}``: a JSON object, up to 4
    levels deep and 1 KiB. Order of keys does not matter; ``{}`` is the same as None.

Returns
-------
None
    The value is in the spool of this machine: it survives the death of this process. It is sent
    in the background; the call waits for no server.

Raises
------
InvalidError, ConflictError
    Only if the run is strict: no number, a bad name, step or context; a closed or read-only
    run. Otherwise the value is counted as refused and a `RunstoneWarning` tells it once.
";

pub(crate) const LOG_DOC: &CStr = c"log($self, metrics, step=None, epoch=None, *, context=None)
--

Log several metrics at one step.

Parameters
----------
metrics : dict of str to number
    Each item is logged as by `track`; one that is refused does not keep the others.
step, epoch, context
    As in `track`, for all items. All get the same time.

Returns
-------
None
    As in `track`.

Raises
------
InvalidError, ConflictError
    Only if the run is strict, as in `track`.
";
