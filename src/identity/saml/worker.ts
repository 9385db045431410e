import { answerQuestions } from '../../kit/thread.ts'
import { type AnswerQuestion, type ReadAnswer, readAnswer } from './answer.ts'
import { type LogoutQuestion, type LogoutRequest, readLogout } from './logout.ts'

/** The thread that reads what identity providers send: XML of any size within the bounds, and none of it on the event loop. */
answerQuestions<AnswerQuestion | LogoutQuestion, ReadAnswer | LogoutRequest>((question) =>
  'message' in question ? readLogout(question) : readAnswer(question),
)
