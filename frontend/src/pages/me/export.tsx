import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { answerOf } from "../../api/client";
import { Box } from "../../parts/box";
import { save } from "../../parts/save";
import { useSession } from "../../session/current";

const MEGABYTES = new Intl.NumberFormat(undefined, { style: "unit", unit: "megabyte", maximumFractionDigits: 1 });

/** All that Tally holds about who looks, as a file. */
export function Export() {
  const { client } = useSession();
  const [bytes, setBytes] = useState(0);
  const stopping = useRef(new AbortController());
  useEffect(() => () => stopping.current.abort(), []);
  const take = useMutation({
    networkMode: "always",
    mutationFn: async () => {
      const { signal } = (stopping.current = new AbortController());
      setBytes(0);
      const body = await answerOf<ReadableStream<Uint8Array<ArrayBuffer>> | null>(
        client.GET("/api/v1/me/export", { parseAs: "stream", signal }) as never,
      );
      return blobOf(body, (more) => setBytes((before) => before + more));
    },
    onSuccess: (blob) => save(blob, `tally-me-${new Date().toISOString().slice(0, 10)}.ndjson`),
  });
  const isStopped = stopping.current.signal.aborted;
  return (
    <Box
      title="Everything about me"
      note="All that Tally holds about you, a JSON object a line: profile, keys without their secret, sessions, messages, tool calls, logs, audit. A year of work may take a minute."
    >
      <div className="doing">
        <button className="button" disabled={take.isPending} onClick={() => take.mutate()}>
          Download my data
        </button>
        {take.isPending && (
          <button className="button bare" onClick={() => stopping.current.abort()}>
            Stop
          </button>
        )}
        <p role="status">
          {take.isPending && `Collecting … ${MEGABYTES.format(bytes / 1e6)}. Stay on this tab until it is done.`}
          {take.isSuccess && `Done: ${MEGABYTES.format(take.data.size / 1e6)} in your downloads.`}
        </p>
        {take.isError && (
          <p role="alert" className="refusal">
            {isStopped ? "Stopped; nothing was kept." : take.error.message}
          </p>
        )}
      </div>
    </Box>
  );
}

async function blobOf(body: ReadableStream<Uint8Array<ArrayBuffer>> | null, heard: (bytes: number) => void): Promise<Blob> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const reader = body?.getReader();
  for (let next = await reader?.read(); next?.value !== undefined; next = await reader?.read()) {
    pieces.push(next.value);
    heard(next.value.length);
  }
  return new Blob(pieces, { type: "application/x-ndjson" });
}
