"""Names that try to be something else where they are shown."""

SCRIPT = "</script><script>alert(1)</script>"
NAMES = (
    SCRIPT,
    "<img src=x onerror=alert(2)>",
    "\"'`onmouseover=alert(3) x='",
    "\u202eevil\u2066 bidi",
    "שלום עולם",
    "n" * 300,
    r"$\frac{",
    "two\nlines\u2028and more",
    "{{ 7 * 7 }}{% raw %}",
    "__proto__",
    "constructor",
    "&lt;b&gt; ]]> <!--",
)
