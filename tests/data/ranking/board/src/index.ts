export { BoardStore } from "./state/store";
export { fetchBoard, deleteBoard, listen } from "./api/client";
export { CardView } from "./ui/CardView";
