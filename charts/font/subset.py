"""Makes NotoSansSC-Subset.ttf from NotoSansSC_400Regular.ttf (npm package @expo-google-fonts/noto-sans-sc).

    pip install fonttools
    python subset.py NotoSansSC_400Regular.ttf NotoSansSC-Subset.ttf

It keeps Latin, Greek, punctuation and arrows, and the characters of GB 2312 and of level 1 of Big5, which are those in
daily use. Hinting and layout tables go: pictures are drawn at twice their size and without ligatures.
"""

import sys

from fontTools import subset


def chinese():
    for high in range(0xA1, 0xF8):
        for low in range(0xA1, 0xFF):
            yield bytes([high, low]), "gb2312"
    for high in range(0xA1, 0xC7):
        for low in (*range(0x40, 0x7F), *range(0xA1, 0xFF)):
            if (high, low) <= (0xC6, 0x7E):
                yield bytes([high, low]), "big5"


def characters():
    ranges = [(0x20, 0x7E), (0xA0, 0x24F), (0x370, 0x3FF), (0x2010, 0x2044), (0x20A0, 0x20BF), (0x2190, 0x2199),
              (0x2200, 0x2265), (0x25A0, 0x25CF), (0x3000, 0x303F), (0xFF00, 0xFFEF)]
    for first, last in ranges:
        yield from range(first, last + 1)
    for code, charset in chinese():
        try:
            yield ord(code.decode(charset))
        except UnicodeDecodeError:
            pass


options = subset.Options()
options.hinting = False
options.layout_features = []
options.drop_tables += ["GSUB", "GPOS", "GDEF", "BASE", "vhea", "vmtx", "VORG", "STAT", "DSIG", "gasp", "meta"]
options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
options.notdef_outline = True
options.glyph_names = False
font = subset.load_font(sys.argv[1], options)
subsetter = subset.Subsetter(options)
subsetter.populate(unicodes=set(characters()))
subsetter.subset(font)
subset.save_font(font, sys.argv[2], options)
