"""Objects that are called as classes of the project are: ``blueprint.index_driver.delete(did)`` beside ``class SQLAlchemyIndexDriver``."""

from stopper.core.values import Call, Member, Name
from stopper.scan.source.judging import Judges
from stopper.scan.source.project import Project


class CalledLikeClasses:
    """Asks what all the classes do that an object's name ends the names of, where nothing shows of which of them it is."""

    def __init__(self, project: Project, judges: Judges) -> None:
        self.project = project
        self.judges = judges
        self._classes: dict[str, tuple[str, ...]] = {}

    def guard(self, call: Call) -> bool:
        """That whichever of them it is, the method lets nobody on who shows nothing."""
        if call.callee in self.project.functions:
            return False
        word = _called(call)
        methods = [f"{one}.{call.method}" for one in self._of(word)] if "_" in word.strip("_") else []
        own = [name for name in methods if name in self.project.functions and not self._is_declared_only(name)]
        return bool(own) and all(self._stops(name) for name in own)

    def _of(self, word: str) -> tuple[str, ...]:
        if word not in self._classes:
            ending = word.replace("_", "").lower()
            self._classes[word] = tuple(one for one in self.project.classes if one.lower().endswith(ending))
        return self._classes[word]

    def _is_declared_only(self, name: str) -> bool:
        return any(one.name.endswith("abstractmethod") for one in self.project.functions[name].decorators)

    def _stops(self, name: str) -> bool:
        judged = self.judges.judge(name)
        return judged.stops is True and judged.reads and not judged.passed


def _called(call: Call) -> str:
    """The last word before the method: ``index_driver``."""
    match call.receiver:
        case Member(attribute=word):
            return word
        case Name(dotted=dotted):
            return dotted.rpartition(".")[2]
        case _:
            return call.callee.rpartition(".")[0].rpartition(".")[2]
