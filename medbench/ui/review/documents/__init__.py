"""Views of reports and embedded documents, and the tree model they share with the tag browser."""
