"""Every property the lake knows, one block each, a file for each group. To add a property, add a block to its group.

Names carry what must not be mixed: `_agl` is AFLOW's quasi-harmonic Debye model, `minimum_` a model of the least heat
a solid can conduct, `_per_relaxation_time` is what it says, `_uncorrected` lacks a database's corrections, `_measured`
is experiment. A path that a database tells again elsewhere (elasticity's moduli in summary) is read once.

Own values (`lake/labels.py`) are taken for every property, with or without readings; only what is measured names them
as a reading, since it has no other.
"""

from lake.properties.catalog.adsorption import ADSORPTION
from lake.properties.catalog.dielectric import DIELECTRIC
from lake.properties.catalog.elastic import ELASTIC
from lake.properties.catalog.electronic import ELECTRONIC
from lake.properties.catalog.magnetic import MAGNETIC
from lake.properties.catalog.piezoelectric import PIEZOELECTRIC
from lake.properties.catalog.structural import STRUCTURAL
from lake.properties.catalog.surface import SURFACE
from lake.properties.catalog.thermal import THERMAL
from lake.properties.catalog.thermodynamic import THERMODYNAMIC
from lake.properties.catalog.transport import TRANSPORT
from lake.properties.definition import Property

CATALOG: tuple[Property, ...] = (
    *THERMODYNAMIC,
    *ELECTRONIC,
    *MAGNETIC,
    *ELASTIC,
    *DIELECTRIC,
    *PIEZOELECTRIC,
    *THERMAL,
    *TRANSPORT,
    *STRUCTURAL,
    *SURFACE,
    *ADSORPTION,
)
