"""How HTTP looks, whatever is asked: problems, paging, shapes, request ids, metrics."""
