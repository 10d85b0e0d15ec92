"""The page's looks: readable on a screen and on paper, without anything from elsewhere."""

STYLE = """
body { font: .94rem/1.5 system-ui, sans-serif; color: #222; background: #fff;
       max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 .2rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; border-bottom: 1px solid #ccc; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
p, li { max-width: 46rem; }
.banner { background: #fff3cd; border: 1px solid #e0c060; padding: .5rem .8rem; margin: 1rem 0; }
.small { color: #555; font-size: .87rem; }
table { border-collapse: collapse; margin: .5rem 0 1rem; }
th, td { border: 1px solid #ddd; padding: .25rem .6rem; text-align: left; vertical-align: top; }
th { background: #f5f5f5; font-weight: 600; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
td.own { outline: 2px solid #333; outline-offset: -2px; }
.wide { overflow-x: auto; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; }
svg { max-width: 100%; height: auto; }
code { font-size: .9em; }
@page { margin: 14mm 12mm; }
@media print { html { font-size: 11px; } body { max-width: none; padding: .3rem; }
  p, li { max-width: none; } h2 { margin-top: 1.4rem; }
  h1, h2, h3 { break-after: avoid; }
  svg, tr, li, p { break-inside: avoid; }
  .wide { overflow: visible; }
  th, td { padding: .15rem .4rem; }
  td, th, .banner { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
