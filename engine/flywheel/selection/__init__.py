"""Which battles become training rows (arena-learning.md, section 5), and why the others do not.

`selecting.read_pool` reads what an arena has on each prompt, `selecting.choose` takes rows from it, `keeping.keep`
stores them, `layouts` writes them for trainers. The rules are pure: `groups` ranks the responses of a prompt, `rules`
makes a candidate of them.
"""
