"""Reports as words: what a node says, and the whole tree as text."""

from collections.abc import Iterator

from medbench.domain.objects import ReportNode


def nodes_of(node: ReportNode) -> Iterator[ReportNode]:
    """The node and everything below it, in document order."""
    stack = [node]
    while stack:
        found = stack.pop()
        yield found
        stack.extend(reversed(found.children))


def node_value(node: ReportNode) -> str:
    """What stands after a node's name; the running text of a continuous container."""
    if node.value_type == "CONTAINER" and node.continuous and node.children:
        return _paragraph(node)
    return node.value


def node_words(node: ReportNode) -> str:
    """Name and value of a node."""
    if node.target:
        return f"see {node.target}"
    return ": ".join(part for part in (node.name, node_value(node)) if part) or node.value_type


def _paragraph(node: ReportNode) -> str:
    """A continuous container as running text (Continuity Of Content, PS3.3 C.18.8)."""
    text = " ".join(child.value for child in node.children if child.value)
    for mark in (".", ",", ";", ":", ")"):
        text = text.replace(f" {mark}", mark)
    return text


def report_lines(node: ReportNode, depth: int = 0) -> list[str]:
    """The tree as indented lines; a running text is followed by what qualifies its parts."""
    indent = "  " * depth
    lines = [indent + words for words in node_words(node).splitlines()]
    for child in node.children:
        if not node.continuous or child.children or child.value_type == "CONTAINER":
            lines.extend(report_lines(child, depth + 1))
    return lines
