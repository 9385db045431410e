import { answerQuestions } from '../../kit/thread.ts'
import { type AnswerQuestion, readAnswer } from './answer.ts'

/** The thread that reads what identity providers send: XML of any size within the bounds, and none of it on the event loop. */
answerQuestions((question: AnswerQuestion) => readAnswer(question))
