"""Elements whose compounds may harm, each with a note and what it rests on. A note, not an assessment.

What belongs here: what a chemist would want to be reminded of before a synthesis or a product. The notes are about an
element in compounds, for many of which they are too strict (chromium is noted for its oxidation state six, which a
formula does not tell), and they say nothing of powders, gases and the pure element: quartz dust, fluorine and lithium
metal are not noted. IARC groups: 1 carcinogenic to humans, 2A probably, 2B possibly; the volume of the Monographs
stands beside. Groups and volumes are as remembered, to be checked against the Monographs.
"""

from __future__ import annotations

from lake.crystal import NUMBER, SYMBOLS

FIRST_WITHOUT_STABLE = 84  # polonium; bismuth's half-life of 2e19 years counts as stable here
NOTED = {
    "Be": "beryllium and its compounds: carcinogenic, IARC group 1 (vol. 100C)",
    "V": "vanadium pentoxide: IARC group 2B (vol. 86)",
    "Cr": "chromium(VI) compounds: carcinogenic, IARC group 1 (vol. 100C)",
    "Co": "cobalt metal and soluble cobalt(II) salts: IARC group 2A (vol. 131)",
    "Ni": "nickel compounds: carcinogenic, IARC group 1 (vol. 100C)",
    "As": "arsenic and its inorganic compounds: carcinogenic, IARC group 1 (vol. 100C)",
    "Cd": "cadmium and its compounds: carcinogenic, IARC group 1 (vol. 100C)",
    "In": "indium phosphide: IARC group 2A (vol. 86)",
    "Sb": "trivalent antimony: IARC group 2A (vol. 131)",
    "Os": "osmium forms volatile, toxic osmium tetroxide in air",
    "Hg": "mercury and its compounds: toxic, use restricted by the Minamata Convention",
    "Tl": "thallium compounds: highly toxic",
    "Pb": "inorganic lead compounds: IARC group 2A (vol. 87), toxic to nerves and in pregnancy",
}


def hazards() -> dict[str, str]:
    """Element symbol -> note, of the elements that have one."""
    unstable = ["Tc", "Pm", *SYMBOLS[FIRST_WITHOUT_STABLE:]]
    noted = NOTED | {symbol: f"{symbol} has no stable isotope: radioactive" for symbol in unstable}
    return dict(sorted(noted.items(), key=lambda note: NUMBER[note[0]]))
