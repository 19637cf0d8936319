"""What was looked for in the lab and is not in the model: `lines` gives its part of the report."""

from __future__ import annotations

from typing import Final

TRIED: Final = """\
## What was found in the lab

Each rule is of containerd's or Go's source, and its figures are of time lines of calibration pulls (quiet, groups a
and b), of counts of system calls, or were measured apart. Errors of the 58 judged cases, each rule on top of the ones
above.

| | median | nine in ten |
| --- | ---: | ---: |
| before | 1.8% | 8.4% |
| a request takes a connection that is free before the one that it dials is open | 1.6% | 8.4% |
| a write takes 1.6 ms with 2.x, not 2.1 ms | 1.6% | 8.4% |
| inflating goes by compressed bytes, too | 1.6% | 6.1% |
| manifest and config take 1.8 writes each, not 3 | 1.5% | 6.3% |

**Connections.** Go's transport dials for a request that finds no idle connection, and gives it whatever is free
first, the dialled one or one on which a response has ended meanwhile (net/http, getConn, tryPutIdleConn); the other
one is idle then. The model's request waited for its own, and began with slow start on it: 40 small layers over 50 ms
had seven new connections where the real pull had three. c-s40x02 with ten downloads was 7 % high, j-par4 over 50 ms 8
% low.

**2.x writes as often as 1.6.** That it writes less often was wrong. By the fdatasync calls of real pulls of 20 and 40
layers here (two a transaction), a layer takes seven transactions of the metadata database and two of the
snapshotter's with 1.6.20 and with 2.3.4. But up to 1.7 the transaction that commits a blob waits for the blob's
fsync, and everybody else for the transaction; from 2.0 on the blob is synced before (containerd#10128; strace shows
two fsyncs of a blob and one of its directory, not one). The 2.1 ms of a write were fitted on 1.6.20 with these fsyncs
in them. Where no blob is committed a write takes 1.6 ms there too: 3.2 ms between the unpacks of two small layers are
two writes, 1.6 ms before a request are one, 7 to 9 ms at the end are five. That is the default from 2.0 on; j-s40x02
was 21 % high, and is within 2 %.

**Manifest and config.** A pull's first layer is asked for 18 ms (and five round trips) after its start in all 22
quiet calibration cases; the model took 28. Of the 18 ms three answers take 9. Until then eleven transactions are
made, of 0.53 ms if three of them are the 1.6 ms that preparing a snapshot takes, and two small blobs are synced: 9
ms.

**Inflating.** Go's gzip here, best of nine, on parts of a Debian (gzip -6) and on the lab's layers: programs 5.42 ms
a MB unpacked (2.51 to 1), libraries 5.00 (2.76), translations 4.70 (2.98), Python 4.70 (3.18); the lab's mixed layers
5.62 (2.24), its words alone 4.88 (2.78). Either kind is 1.75 ms a MB unpacked and 9 ms a MB compressed within 2 %.
With more random blocks it does not take longer (5.62 at 1.87 to 1, 5.99 at 1.47), as these are stored. So 0.7 of
inflating, and 0.45 of all unpacking at 8.7 ms a MB, goes by compressed bytes where a layer compresses better than the
lab's. It is an option (`unpack.byCompressed`), as presets are fitted without it; of the lab it changes c20text alone,
from +8 to +1 %.

The 58 judged cases were looked at eight times: once for each rule, with each of the first two as a draft as well,
once for a rule that is left out (the next), and for this report. No figure was changed after a look; which rules stay
was decided with it.

## Looked for in the lab, and left out

**The fsync of a blob within the transaction**, in its own right: writes of 1.6 ms for all releases, and up to 1.7 an
fsync of 1.8 ms (what 40 layers take more a blob while they come) that keeps the database. j-s40x02 and b-s40x02 would
be within 3 %, but cases over 50 ms are worse (c-par4 with one download from 3 to 7 %, b-s20x2 from 1 to 8 %) and the
58 are no better in all (1.9 and 9.3 %). Presets of clusters have an fsync that was fitted without: with it in the
transaction chonks goes from 4.8 to 11.6 %. **What a snapshot's commit takes by files**, 4.3 us each by time lines,
**and a blob's sync by bytes**, about 0.5 to 0.9 ms a MB unshaped, change calibration cases by less than a percent,
for the better and the worse. **Downloads that take cores by their rate** would explain unpacking beside them: by time
lines it is 1 % slower at 100 and 400 Mbit/s without delay, 3 to 10 % with it, and 20 to 32 % unshaped, where the
model has 9 % for all. All presets are fitted with that. **The race of 2.x** for slots is one between Go's threads:
ten layers came as 9 4 0 2 1 6 3 7 5 8 in four cases of five, five as 4 0 3 2 1 and as 4 0 2 1 3, forty with the first
one last. The model's order (the last one, then by index) is right for three.

**unpigz takes no more for a file.** Its ten layers of 10 MB were 7 % low with one factor (0.66 of Go's gzip) for both
cases, and are predicted with the model's own decompressor now, for which nothing is given (k-s1x50 from -2.4 to +4.0
%, k-s10x10 from -7.1 to -0.5 %). By the time line nine of the ten layers take 0.149 s in the mean, as long as 1.5 ms
a layer, 54 us a file and 5.6 ms a MB say (0.149 s): the same as the single layer of 50 MB. All that is missing is in
the first, 0.283 s, which unpacks while the others come at 475 MB/s: three busy programs share two cores then. A core
that downloads keep busy beside unpigz makes k-s10x10 1.5 % high where it was 0.5 % low, and no other case tells more
of it; the same beside Go's gzip makes five of the fitted group b 2 to 3 % longer.

**Late connections get less.** Over a link without delay the first seven to ten connections of a burst have several
times the rate of those that begin beside them, until they have ended (d-par4: ten megabytes in 1.3 s, those that began
30 ms later in 2.5 s); with 50 ms of delay less so. It is the cause of the worst errors and of c-par4-400m50ms-mcd3,
where early ends let unpacking begin early. Rules were tried on the reference network with weights; errors in percent.
They were made up for group d, so that the others judge them; all columns are of before what is above was found:

| case | equal | (1+n)^-½ a transfer | (1+n)^-½ a connection | (1+n)^-0.3 | a fifth beside 8 | a fifth beside 7 |\
 a fifth after 30 ms |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| d-par8-400m0ms | +25.1 | +3.4 | +3.4 | +7.8 | +12.7 | +14.7 | +2.7 |
| d-par4-400m0ms | +17.8 | +1.8 | +1.8 | +6.0 | +3.2 | -3.2 | +17.8 |
| d-par2-400m0ms | +4.8 | +1.6 | +1.6 | +2.3 | +4.8 | +4.8 | +4.8 |
| d-base8-400m0ms | +3.8 | -6.3 | -6.3 | -3.9 | +3.8 | +3.8 | +3.8 |
| d-base4-400m0ms | -1.0 | -4.6 | -4.6 | -3.5 | -1.0 | -1.0 | -1.0 |
| c-par4-400m50ms-mcd3 | +7.7 | +2.1 | +2.1 | +3.6 | -5.5 | -2.1 | +9.0 |
| c-s40x02-400m50ms-mcd10 | +7.0 | +2.1 | +3.0 | +2.7 | +3.4 | +3.2 | +7.0 |
| h-two-s1x50-s10x10-400m0ms | -1.7 | -12.2 | -7.5 | -1.7 | -1.7 | -1.7 | -1.7 |
| h-two-same-s5x20-400m0ms | -16.3 | -17.0 | -11.9 | -15.8 | -16.3 | -16.3 | -16.3 |
| j-par4-400m50ms-svclocal | -8.3 | -12.0 | -12.0 | -10.6 | -8.3 | -8.3 | -12.7 |
| j-s5x20-400m0ms-unpacks4 | +2.2 | +1.9 | +6.2 | +2.4 | +2.2 | +2.2 | +2.2 |
| of all 38 over a shaped link: p90 | 8.3 | 6.3 | 6.3 | 6.0 | 5.5 | 4.8 | 9.0 |
| median | 1.6 | 1.8 | 1.8 | 1.9 | 1.6 | 1.6 | 1.6 |

A weight by the transfer punishes the next layer over a connection that is kept; one by the connection is better, but
costs what bases share. Only "a fifth of a share beside seven or eight that were there first, until these have ended"
costs nothing anywhere. It is not in the model all the same: the number is that of this link and its queue (50 ms, one
for all), two cases told it and two others confirm it; with hundreds of nodes at one registry it would let eight
connections starve the rest, which nobody has measured; and from containerd 2.1 on a node has three connections.
Repeats of these cases differ by a tenth to a fifth. So equal shares stay, which are what all of them get in the mean.

**Late connections as a mechanism** were thought about, and not measured. A latecomer meets a full queue of 50 ms: its
slow start would end at its first loss, with a window far below those that grew while the queue was empty, which CUBIC
takes seconds to bring together. Shares would go by windows, for which the fast network has no weights."""


def lines() -> list[str]:
    """Return the lines of the report."""
    return [*TRIED.splitlines(), ""]
