import { useMutation, type UseMutationResult, useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef } from "react";

interface Change<Given, Answer> extends Omit<UseMutationResult<Answer, Error, Given>, "mutate" | "mutateAsync"> {
  begin: (given: Given) => void;
}

interface Options<Answer> {
  onDone: (answer: Answer) => void;
}

/**
 * The one way in which something is changed: once, however often a button is pressed before the answer is there.
 * What is shown is asked anew afterwards, also after a failure: part of it may have come through.
 */
export function useChange<Given, Answer>(send: (given: Given) => Promise<Answer>, { onDone }: Options<Answer>): Change<Given, Answer> {
  const queries = useQueryClient();
  // Not `isPending`, which a second press would still read as the last drawing had it.
  const isUnderWay = useRef(false);
  const { mutate, ...change } = useMutation({
    networkMode: "always",
    mutationFn: send,
    onSuccess: onDone,
    onSettled: () => {
      isUnderWay.current = false;
      void queries.invalidateQueries();
    },
  });
  const begin = useCallback(
    (given: Given) => {
      if (isUnderWay.current) return;
      isUnderWay.current = true;
      mutate(given);
    },
    [mutate],
  );
  return { ...change, begin };
}
