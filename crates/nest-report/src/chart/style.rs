//! The style sheet of the classes in pictures.

/// Rules for the classes. Widths of strokes of shapes are in quarters of a pixel; colours are variables that
/// the page defines.
///
/// `l`: line, `f`: fill, `k`: text, followed by 0 for the base, 1-3 for alternatives, `w` for a wall, `n`
/// for a warning, `g` for good; `d`: dotted; `o`: opacity of a band; `p1`-`p9`: strength of a chance.
pub(crate) const CHART_CSS: &str = "\
.ch{display:block;overflow:hidden}
.ch text{font-family:-apple-system,BlinkMacSystemFont,\"Segoe UI\",Roboto,\"Noto Sans\",\"Liberation Sans\",\
Inter,Arial,sans-serif;font-size:12.5px;font-weight:400;font-variant-numeric:tabular-nums;fill:var(--muted)}
.ch .i{fill:var(--ink)}
.ch .s{font-weight:600}
.ch .n{font-size:13.5px}
.ch .m{text-anchor:middle}
.ch .e{text-anchor:end}
.ch .h{paint-order:stroke;stroke:var(--page);stroke-width:4px;stroke-linejoin:round}
.ch .k0{fill:var(--base)}
.ch .k1{fill:var(--alt1)}
.ch .k2{fill:var(--alt2)}
.ch .k3{fill:var(--alt3)}
.ch .kw{fill:var(--wall)}
.ch .kn{fill:var(--warn)}
.ch .kg{fill:var(--good)}
.ch .f0{fill:var(--base)}
.ch .f1{fill:var(--alt1)}
.ch .f2{fill:var(--alt2)}
.ch .f3{fill:var(--alt3)}
.ch .fw{fill:var(--wall)}
.ch .fn{fill:var(--warn)}
.ch .fg{fill:var(--good)}
.ch .fi{fill:var(--idle)}
.ch .ff{fill:var(--fixed)}
.ch .fx{fill:var(--ink)}
.ch .fp{fill:var(--page)}
.ch .by{fill:var(--beyond)}
.ch .l0,.ch .l1,.ch .l2,.ch .l3,.ch .lw,.ch .lg,.ch .lx,.ch .lm,.ch .gr,.ch .ax,.ch .ru,.ch .bd,\
.ch .lp,.ch .lf{fill:none;stroke-width:9px;stroke-linejoin:round}
.ch .l0{stroke:var(--base)}
.ch .l1{stroke:var(--alt1)}
.ch .l2{stroke:var(--alt2)}
.ch .l3{stroke:var(--alt3)}
.ch .lw{stroke:var(--wall);stroke-width:8px}
.ch .lg{stroke:var(--good);stroke-width:8px}
.ch .lx{stroke:var(--ink);stroke-width:8px}
.ch .lm{stroke:var(--muted);stroke-width:5px}
.ch .lp{stroke:var(--page);stroke-width:4px}
.ch .lf{stroke:var(--fixed);stroke-width:5px}
.ch .t{stroke-width:5px}
.ch .gr{stroke:var(--grid);stroke-width:4px}
.ch .ax{stroke:var(--axis);stroke-width:4px}
.ch .ru{stroke:var(--rule);stroke-width:4px}
.ch .bd{stroke:var(--axis);stroke-width:4px;stroke-dasharray:6 10}
.ch .d{stroke-dasharray:9 11}
.ch .o1{fill-opacity:.14}
.ch .o2{fill-opacity:.2}
.ch .o4{fill-opacity:.4}
.ch .o6{fill-opacity:.6}
.ch .o8{fill-opacity:.8}
.ch .p1{fill-opacity:.08}
.ch .p2{fill-opacity:.16}
.ch .p3{fill-opacity:.25}
.ch .p4{fill-opacity:.35}
.ch .p5{fill-opacity:.46}
.ch .p6{fill-opacity:.57}
.ch .p7{fill-opacity:.69}
.ch .p8{fill-opacity:.82}
.ch .p9{fill-opacity:1}
";
