"""The ablation: what is trained (`grid`), what a shuffled table is, what came out.

"Table against cross-entropy" proves nothing about a mark: the contrastive term helps by
itself, and marks of the wrong pairs pass that test as well. So SupCon at the same lambda
and temperature, and a shuffled table, always stand beside the expert's.
"""
