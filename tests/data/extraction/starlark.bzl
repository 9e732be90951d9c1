"""Rules for the shop."""

load("//tools:defs.bzl", "tool")

LIMIT = 10  # a trailing comment

def shop_library(name, srcs = [], **kwargs):
    """Builds a library.

    Args:
      name: What it is called.
    """
    native.cc_library(name = name, srcs = srcs, **kwargs)

# Used by the rule below.
def _impl(ctx):
    def inner(x):
        return x
    return [DefaultInfo(files = inner(ctx.files.srcs))]

shop_rule = rule(
    implementation = _impl,
    attrs = {"srcs": attr.label_list()},
)

def broken(:
    x = (

def after_the_error():
    return "ünï"
