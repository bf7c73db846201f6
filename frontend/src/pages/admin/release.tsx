import { answerOf } from "../../api/client";
import { Ask } from "../../parts/ask";
import { Check } from "../../parts/field";
import { useSay } from "../../parts/said";
import { useSession } from "../../session/current";
import type { SetAside } from "./processing-columns";

interface ReleaseProps {
  file: SetAside;
  onClose: () => void;
}

/** Lets a processor try again what it had failed on. */
export function Release({ file, onClose }: ReleaseProps) {
  const { client } = useSession();
  const say = useSay();
  return (
    <Ask
      title={`Try ${file.name} again?`}
      action="Release"
      send={(given, signal) => {
        const query = given.has("all") ? {} : { transcript_id: file.transcript_id };
        const params = { path: { processor: file.processor }, query };
        return answerOf(client.POST("/api/v1/admin/processors/{processor}/release", { params, signal }));
      }}
      onDone={({ released }) => say(`Released: ${released}. They wait for the next pass of ${file.processor}.`)}
      onClose={onClose}
    >
      <p>The processor {file.processor} reads it again at its next pass. It failed with: {file.last_error ?? "no reason given"}.</p>
      <Check label={`All that ${file.processor} has set aside`} name="all" />
    </Ask>
  );
}
