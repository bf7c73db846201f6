import { createTallyClient } from "./api/client";
import { AnalyticsProvider } from "./api/provider";
import { renewing } from "./api/token";
import { useAnalytics } from "./hooks/useAnalytics";

// Your own server keeps the API key, exchanges it, and hands its signed-in users the answer.
const client = createTallyClient({
  baseUrl: "https://tally.example.com",
  token: renewing(async () => (await fetch("/tally-token")).json()),
});

export function App() {
  return (
    <AnalyticsProvider client={client}>
      <UsageChart />
    </AnalyticsProvider>
  );
}

export function UsageChart() {
  const { data, isLoading, error, refresh } = useAnalytics();
  const most = Math.max(1, ...(data?.usage ?? []).map((day) => day.messages));
  return (
    <section aria-busy={isLoading}>
      {error && <p role="alert">{error.message}</p>}
      <button onClick={refresh}>Refresh</button>
      <ol>
        {data?.usage.map((day) => (
          <li key={day.date}>
            {day.date}: <meter max={most} value={day.messages} /> {day.messages} messages
          </li>
        ))}
      </ol>
    </section>
  );
}
