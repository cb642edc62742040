"""Words that say nothing about a subject. Pure."""

from collections.abc import Collection

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

# They may be learned, since papers of one field do write them more, but are no reason to show to a reader.
_FILLING = """
achieve achieved achieving arrived base based going https its nothing paper propose proposed proposing
really towards use used using utilizing various widely www
boldsymbol cdot cite ell emph frac geq hat href http leq lvert mathbb mathbf mathcal mathrm rvert sqrt tilde
textbf textit textrm textsc texttt url widehat
"""
_VAGUE = """
achieves additional alone approach art available better big come comment comprehensive consider current
demonstrate effective effectively efficient end exciting exhibit existing expected extensive first fixed
follow frequently full goal good great help high important improve improved improving include introduce
investigate issue item key leveraging like low main method modern multiple need new next non north note novel
number often one outperform perform perfectly present problem provide really related result right show
significant significantly simple stage state stay strong study substantial surpass task technique thing three
today true try two typically various well work year zero
"""
FILLING_WORDS = frozenset(_FILLING.split())
VAGUE_WORDS = frozenset(_VAGUE.split())


def says_something(term: Collection[str]) -> bool:
    """Whether a learned term, given by its folded words, tells a reader why a paper was filed.

    Words such as "state" do so only beside another: "state space".
    """
    return FILLING_WORDS.isdisjoint(term) and not VAGUE_WORDS.issuperset(term)
