"""What `whydown doctor` looks at: everything that a monitor needs of its machine and of others, each once.

Nothing is probed, stored or sent that would count: no mail, no fact. Each check ends in findings within its time.
"""
