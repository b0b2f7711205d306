"""Networks: the small ones that a map is made of, trained fast; and what gradients of one joint run say instead."""
