"""Words that say nothing about a subject. Pure."""

# Folded as papers.topics.phrases folds them, so "this" stands here as "thi" too.
_WORDS = """
a about above across after again against al all also although am among an and any are as at be
because been before being below between both but by can cannot could did do doe does doing down
during e each eg either et etc few for from further furthermore g had ha has have having he
hence her here hi his how however i ie if in into is it itself may might more moreover most much
must nor not of off on once only or other our ours out over own per rather same several she
should since so some such than that the their them themselves then there thereby therefore these
they thi this those though through thu thus to too toward towards under until up upon very via
wa was we were what when where whereas whether which while who whom whose why will with within
without would yet you your
"""
FUNCTION_WORDS = frozenset(_WORDS.split())
