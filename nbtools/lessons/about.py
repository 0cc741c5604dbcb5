"""What a question is about: the data of a study."""

from nbtools.lessons.questions import Question
from nbtools.study import StudyResult


def about(study: StudyResult, question: Question) -> Question:
    """The question, with the origin of the data that it is about."""
    return question.of(study.stamp.origin, study.stamp.source) if study.stamp else question
