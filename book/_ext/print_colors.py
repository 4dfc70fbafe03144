"""The colours of code on paper: dark, and told apart by weight and slope where there is no ink."""

from typing import ClassVar

from pygments.style import Style
from pygments.token import Comment, Error, Generic, Keyword, Name, Number, Operator, String, Token


class PrintStyle(Style):
    """Every colour has a contrast of at least 5 to 1 against the grey behind code."""

    background_color = "#f5f6f8"
    styles: ClassVar = {
        Token: "#1b1b1b",
        Comment: "italic #5b6470",
        Keyword: "bold #0b3d78",
        Operator.Word: "bold #0b3d78",
        Name.Function: "bold #1b1b1b",
        Name.Class: "bold #1b1b1b",
        Name.Decorator: "#6b3d00",
        Name.Builtin: "#0b3d78",
        String: "#17591f",
        Number: "#7a1d4f",
        Generic.Heading: "bold #1b1b1b",
        Generic.Error: "#9c1616",
        Error: "#9c1616",
    }
